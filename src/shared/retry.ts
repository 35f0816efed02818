import pRetry from 'p-retry';
import { ProvisioningError } from './errors.js';
import type { Clock } from './time.js';

const mostTries = 6;
const firstWaitMs = 1_000;

/**
 * Runs a repeatable call up to six times, with a pause after each transient failure. The error may name the length of the pause;
 * otherwise the pauses begin at one second and double. Work on whole fleets uses this function, so that one failed call does not
 * end the work. A `TypeError` that is not a network error is a defect of the program and is thrown at once.
 *
 * @param signal ends the pause; a call that has begun is awaited
 * @throws the error of the last try; the signal's reason
 */
export async function retryWithBackoff<R>(
  clock: Clock,
  call: () => Promise<R>,
  signal?: AbortSignal,
): Promise<R> {
  signal?.throwIfAborted();
  // p-retry gets neither the signal nor the pauses. With the signal, p-retry would drop the result of a call that succeeds after the
  // abort. The pauses go by the given clock.
  return pRetry(call, {
    retries: mostTries - 1,
    minTimeout: 0,
    shouldRetry: async ({ error, attemptNumber }) => {
      const { policy, retryAfterMs } = ProvisioningError.from(error);
      // A few seconds change nothing about rejected credentials or a used-up quota.
      if (policy.isFinal || policy.fault === 'key' || policy.fault === 'quota') return false;
      const wait = retryAfterMs ?? firstWaitMs * 2 ** (attemptNumber - 1);
      await pause(clock, wait, signal);
      signal?.throwIfAborted();
      return true;
    },
  });
}

/**
 * Sleeps until the time has passed or the signal is aborted.
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

/** Repeats a call after short pauses while its failures are transient. */
export type RetryTransient = <R>(call: () => Promise<R>) => Promise<R>;

const longestWaitMs = 5_000;

/**
 * Makes up to four tries within 20 s, with jittered pauses, inside one run. The error policy says which failures are repeated. After an
 * unknown outcome only an update of a record is repeated, because the update recognises its own earlier write. For every other call
 * the next run reads the present state first.
 */
export const retryTransient: RetryTransient = (call) =>
  pRetry(call, {
    retries: 3,
    minTimeout: 200,
    maxTimeout: longestWaitMs,
    maxRetryTime: 20_000,
    randomize: true,
    shouldRetry: ({ error }) => isTransient(error),
  });

/** Whether one run repeats the failed call, by the error policy. Errors of another class are never repeated. */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof ProvisioningError)) return false;
  const { policy, retryAfterMs, outcomeUnknown } = error;
  switch (policy.retriedInRun) {
    case 'always':
      return true;
    case 'unless-outcome-unknown':
      return !outcomeUnknown;
    case 'if-wait-is-short':
      return !outcomeUnknown && retryAfterMs !== null && retryAfterMs <= longestWaitMs;
    // The run itself makes the one repetition, see `startRun`.
    case 'once':
    case 'never':
      return false;
  }
}
