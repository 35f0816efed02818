import type { EpochMs } from '../shared/time.js';

/** A reservation that was missed by more than this is abandoned, and is handed out again. */
export const abandonedAfterMs = 10_000;

/**
 * A reserved moment for one registry operation, in the rate limiter's virtual time (ms). The operation is due `shift` ms after the virtual
 * moment.
 */
export type Reservation = number;

/**
 * The hub's rate limit of registry operations, shared by all workers through one row. `reserve`, `due`, `pausedUntil` and `nextFree`
 * throw `records-unavailable`.
 */
export interface RateLimiter {
  /**
   * Reserves the next free moment. If the next free moment is still to come, an abandoned reservation is handed out first, for use at
   * once. Without abandoned reservations, workers below the hub's rate would put off all jobs to the end of the reserved time.
   */
  reserve(): Promise<Reservation>;
  /** The moment of the reservation, with all delays since the reserving. */
  due(reservation: Reservation): Promise<EpochMs>;
  /**
   * Waits in memory for a near reservation, a few calls at a time. A backlog waits in the queue, with each message scheduled for its
   * reservation. The workers stay free.
   *
   * @returns null when the reservation is due; for a distant reservation, the moment at which the reservation is due
   */
  waitFor(reservation: Reservation): Promise<EpochMs | null>;
  /** Marks a reservation as used by an operation, so that the reservation does not count as abandoned. */
  markUsed(reservation: Reservation): void;
  /** Gives an unneeded reservation back. This process can use the reservation again within 5 s. */
  release(reservation: Reservation): void;
  /** Counts a further operation of a run that has used its reservation. The run does not wait. */
  charge(): void;
  /** Moves all present and future reservations by `ms`, after throttling by the hub. Never throws. */
  delayAll(ms: number): Promise<void>;
  /** The end of the last delay of `delayAll`, from a reading up to a second old. The end may have passed. */
  pausedUntil(): Promise<EpochMs>;
  /** The next free moment, not before now, from a reading up to a second old. */
  nextFree(): Promise<EpochMs>;
}
