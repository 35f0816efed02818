import pRetry from 'p-retry';
import { ProvisioningError } from './errors.js';
import type { Clock } from './time.js';

const mostTries = 6;
const firstWaitMs = 1_000;

/**
 * Runs a call that may be repeated, again after a wait where it fails in a way that passes: as long as the other side asks for, or
 * from a second on, doubling. For work on whole fleets, of which one failed call must not undo the rest.
 *
 * @param signal ends the waiting
 * @throws the last error after six tries; the signal's reason
 */
export async function retryWithBackoff<R>(
  clock: Clock,
  call: () => Promise<R>,
  signal?: AbortSignal,
): Promise<R> {
  for (let tries = 1; ; tries += 1) {
    signal?.throwIfAborted();
    try {
      return await call();
    } catch (error) {
      const { policy, retryAfterMs } = ProvisioningError.from(error);
      // A few seconds change nothing about wrong credentials.
      if (policy.isFinal || policy.fault === 'key' || tries >= mostTries) throw error;
      const wait = retryAfterMs ?? firstWaitMs * 2 ** (tries - 1);
      await pause(clock, wait, signal);
    }
  }
}

/**
 * Sleeps, unless the signal comes first.
 *
 * @throws the signal's reason
 */
export async function pause(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  if (!signal) return clock.sleep(ms);
  signal.throwIfAborted();
  let stop = () => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    await Promise.race([clock.sleep(ms), aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** Runs a call again, soon, for as long as it fails in a way that is worth it. */
export type RetryTransient = <R>(call: () => Promise<R>) => Promise<R>;

const longestWaitMs = 5_000;

/**
 * A few tries within 20 s, jittered, inside one run: for what was refused, or never reached the other side. A call whose
 * outcome is unknown is never repeated blindly: the next run looks first.
 */
export const retryTransient: RetryTransient = (call) =>
  pRetry(call, {
    retries: 3,
    minTimeout: 200,
    maxTimeout: longestWaitMs,
    maxRetryTime: 20_000,
    randomize: true,
    shouldRetry: ({ error }) => isTransient(error as ProvisioningError),
  });

/** The error policy says which failed calls one run repeats. */
export function isTransient({ policy, retryAfterMs, outcomeUnknown }: ProvisioningError): boolean {
  switch (policy.retriedInRun) {
    case 'always':
      return true;
    case 'unless-outcome-unknown':
      return !outcomeUnknown;
    case 'if-wait-is-short':
      return !outcomeUnknown && retryAfterMs !== null && retryAfterMs <= longestWaitMs;
    case 'never':
      return false;
  }
}
