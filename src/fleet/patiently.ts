import type { Clock } from '../clock.js';
import { ProvisioningError } from '../ProvisioningError.js';

const mostTries = 6;
const firstWaitMs = 1_000;
/** What no patience mends: our credentials. */
const hopeless = new Set<ProvisioningError['code']>(['balena-unauthorized', 'hub-unauthorized']);

/**
 * Runs a call that may be repeated, again after a wait where it fails in a way that passes: as long as the other side asks for, or
 * from a second on, doubling. For work on whole fleets, of which one failed call must not undo the rest.
 *
 * @param signal ends the waiting
 * @throws the last error after six tries; the signal's reason
 */
export async function patiently<R>(clock: Clock, call: () => Promise<R>, signal?: AbortSignal): Promise<R> {
  for (let tries = 1; ; tries += 1) {
    signal?.throwIfAborted();
    try {
      return await call();
    } catch (error) {
      const { code, retry } = ProvisioningError.from(error);
      if (retry === 'never' || hopeless.has(code) || tries >= mostTries) throw error;
      const wait = typeof retry === 'object' ? retry.afterMs : firstWaitMs * 2 ** (tries - 1);
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
