import type { Clock, EpochMs } from '../shared/time.js';

/**
 * Whether our key was seen to see a fleet within the last minute. Only the look-up of a device that was never seen trusts this memory: the
 * hub identity of a device that was seen before must not be removed because of an old answer.
 */
export interface Sight {
  isFresh(): boolean;
  /** Our key has just seen a device, or a fleet. */
  note(): void;
}

const freshMs = 60_000;

/** Opens the memory of one process. */
export function rememberSight(clock: Clock): Sight {
  let seenAt: EpochMs | null = null;
  return {
    isFresh: () => seenAt !== null && clock.now() - seenAt < freshMs,
    note() {
      seenAt = clock.now();
    },
  };
}
