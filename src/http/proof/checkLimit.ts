import { ProvisioningError } from '../../shared/errors.js';
import type { Clock, EpochMs } from '../../shared/time.js';

/** `known`: the proof was accepted within the last day. `unknown`: every other proof, real or invented. */
export type Lane = 'known' | 'unknown';

/** Limits the checks of proofs with balena. The limit holds for one process. */
export interface CheckLimit {
  /**
   * Runs a check, at its turn.
   *
   * @throws ProvisioningError `balena-throttled` without a check, if the turn is too far away, or while balena throttles the checks; the
   * errors of `check`
   */
  run<T>(lane: Lane, check: () => Promise<T>): Promise<T>;
}

export interface CheckLimitOptions {
  clock: Clock;
  /** The number of checks a second in each lane. As many checks may begin at once. */
  perSecond: number;
}

/** The largest number of checks of one lane that run, or wait for their turn. */
const mostAtATime = 64;
/** A request whose turn comes later than this (ms) is answered with 503 at once. */
const longestWaitMs = 3_000;

/**
 * Opens the limit. Anybody with the function's key can send invented proofs, and each of them costs a request to balena. Without the limit,
 * balena would throttle the checks of all devices, and perhaps the work of the worker. Proofs that were accepted before have a lane of their
 * own, so that invented proofs never delay a device that has proved its identity within the last day.
 */
export function openCheckLimit({ clock, perSecond }: CheckLimitOptions): CheckLimit {
  const lanes = { known: openLane(clock, perSecond), unknown: openLane(clock, perSecond) };
  let throttledUntil: EpochMs = 0;
  return {
    async run(lane, check) {
      const throttledMs = throttledUntil - clock.now();
      if (throttledMs > 0)
        throw new ProvisioningError('balena-throttled', 'balena throttles the checks of proofs.', {
          retryAfterMs: throttledMs,
        });
      try {
        return await lanes[lane](check);
      } catch (error) {
        const { code, retryAfterMs } = ProvisioningError.from(error);
        if (code === 'balena-throttled' && retryAfterMs !== null)
          throttledUntil = Math.max(throttledUntil, clock.now() + retryAfterMs);
        throw error;
      }
    },
  };
}

/** One lane: a generic cell rate algorithm, with a bound of the checks at a time. */
function openLane(clock: Clock, perSecond: number): <T>(check: () => Promise<T>) => Promise<T> {
  const intervalMs = 1_000 / perSecond;
  const burstMs = 1_000 - intervalMs;
  let next: EpochMs = 0;
  let open = 0;
  return async (check) => {
    const now = clock.now();
    const turn = Math.max(next, now - burstMs);
    const waitMs = Math.max(0, turn - now);
    if (open >= mostAtATime || waitMs > longestWaitMs)
      throw new ProvisioningError('balena-throttled', 'Too many proofs are being checked at the moment.');
    next = turn + intervalMs;
    open += 1;
    try {
      await clock.sleep(waitMs);
      return await check();
    } finally {
      open -= 1;
    }
  };
}
