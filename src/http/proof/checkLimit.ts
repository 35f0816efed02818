import { ProvisioningError } from '../../shared/errors.js';
import type { Clock, EpochMs } from '../../shared/time.js';

/** Runs checks of proofs with balena at a bounded rate. The limit holds for one process. */
export interface CheckLimit {
  /**
   * Runs a check, at its turn.
   *
   * @param uuid the device. Devices are served by turns
   * @throws ProvisioningError `balena-throttled` without a check, if the turn is too far away; the errors of `check`
   */
  run<T>(uuid: string, check: () => Promise<T>): Promise<T>;
}

export interface CheckLimitOptions {
  clock: Clock;
  /** The number of checks a second. As many checks may begin at once. */
  perSecond: number;
}

/** The largest number of checks that run at a time. */
const mostAtATime = 64;
/** A request whose turn comes later than this (ms) is answered with 503. */
export const longestWaitMs = 3_000;
/** The most proofs of one device that wait. */
const mostOfOne = 8;

interface Waiter {
  until: EpochMs;
  begin(): void;
  refuse(): void;
}

/** The proof waits too long for its check. */
export const tooManyProofs = () =>
  new ProvisioningError('balena-throttled', 'Too many proofs are being checked at the moment.');

/**
 * Opens the limit. Anybody with the function's key can send invented proofs, and each of them costs a request to balena. Without the limit,
 * balena would throttle the checks of all devices, and perhaps the work of the worker. The devices of waiting proofs are served by turns, so
 * that a thousand invented proofs for one device delay another device by one check.
 */
export function openCheckLimit({ clock, perSecond }: CheckLimitOptions): CheckLimit {
  const intervalMs = 1_000 / perSecond;
  const mostDevices = longestWaitMs / intervalMs;
  /** The waiting proofs of each device. The device whose turn is next comes first. */
  const waiting = new Map<string, Waiter[]>();
  let next: EpochMs = 0;
  let running = 0;
  let isServing = false;

  /** Takes the first proof of the device whose turn is next. The device goes to the end of the line. */
  function take(): Waiter | undefined {
    for (const [uuid, waiters] of waiting) {
      const waiter = waiters.shift();
      waiting.delete(uuid);
      if (waiters.length > 0) waiting.set(uuid, waiters);
      if (waiter) return waiter;
    }
    return undefined;
  }

  function refuseOld(): void {
    for (const [uuid, waiters] of waiting) {
      while (waiters[0] && waiters[0].until <= clock.now()) waiters.shift()?.refuse();
      if (waiters.length === 0) waiting.delete(uuid);
    }
  }

  async function serve(): Promise<void> {
    isServing = true;
    for (;;) {
      refuseOld();
      next = Math.max(next, clock.now() - (1_000 - intervalMs));
      while (running < mostAtATime && next <= clock.now()) {
        const waiter = take();
        if (!waiter) break;
        next += intervalMs;
        waiter.begin();
      }
      if (waiting.size === 0) break;
      await clock.sleep(Math.ceil(Math.max(intervalMs, next - clock.now())));
    }
    isServing = false;
  }

  return {
    async run(uuid, check) {
      const waiters = waiting.get(uuid) ?? [];
      if (waiters.length >= mostOfOne || (waiters.length === 0 && waiting.size >= mostDevices))
        throw tooManyProofs();
      const turn = new Promise<void>((resolve, reject) => {
        const begin = () => {
          running += 1;
          resolve();
        };
        waiters.push({ until: clock.now() + longestWaitMs, begin, refuse: () => reject(tooManyProofs()) });
      });
      waiting.set(uuid, waiters);
      if (!isServing) void serve();
      await turn;
      try {
        return await check();
      } finally {
        running -= 1;
      }
    },
  };
}
