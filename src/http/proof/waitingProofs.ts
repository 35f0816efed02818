import { ProvisioningError } from '../../shared/errors.js';
import type { Clock, EpochMs } from '../../shared/time.js';

/** A request whose turn comes later than this (ms) is answered with 503. */
export const longestWaitMs = 3_000;
/** The most proofs of one device that wait. */
const mostOfOne = 8;

interface Waiter {
  until: EpochMs;
  begin(): void;
  refuse(): void;
}

/** Proofs that wait for their check. Their devices are served by turns. */
export interface WaitingProofs {
  /** Waits for the turn. @throws ProvisioningError `balena-throttled` if too many proofs wait, or after three seconds */
  wait(uuid: string): Promise<void>;
  /** Takes the first proof of the device whose turn is next. The device goes to the end of the line. @returns undefined if nobody waits */
  take(): Waiter | undefined;
  /** Refuses the proofs that have waited for too long. */
  refuseOld(): void;
  isEmpty(): boolean;
}

/** The proof waits too long for its check. */
export const tooManyProofs = () =>
  new ProvisioningError('balena-throttled', 'Too many proofs are being checked at the moment.');

/** Opens a line of waiting proofs. @param mostDevices the most devices that wait */
export function openWaitingProofs(clock: Clock, mostDevices: number): WaitingProofs {
  /** The waiting proofs of each device. The device whose turn is next comes first. */
  const waiting = new Map<string, Waiter[]>();
  return {
    wait(uuid) {
      const waiters = waiting.get(uuid) ?? [];
      if (waiters.length >= mostOfOne || (waiters.length === 0 && waiting.size >= mostDevices))
        throw tooManyProofs();
      waiting.set(uuid, waiters);
      return new Promise<void>((begin, reject) => {
        waiters.push({ until: clock.now() + longestWaitMs, begin, refuse: () => reject(tooManyProofs()) });
      });
    },
    take() {
      for (const [uuid, waiters] of waiting) {
        const waiter = waiters.shift();
        waiting.delete(uuid);
        if (waiters.length > 0) waiting.set(uuid, waiters);
        if (waiter) return waiter;
      }
      return undefined;
    },
    refuseOld() {
      for (const [uuid, waiters] of waiting) {
        while (waiters[0] && waiters[0].until <= clock.now()) waiters.shift()?.refuse();
        if (waiters.length === 0) waiting.delete(uuid);
      }
    },
    isEmpty: () => waiting.size === 0,
  };
}
