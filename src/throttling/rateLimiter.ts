/** A slot that was missed by more than this is not taken any more: its room is for whoever reserves next. */
export const abandonedAfterMs = 10_000;

/** A moment reserved for one registry operation, in the pace's virtual time (ms); it falls `shift` later. */
export type Reservation = number;

/**
 * The hub's allowed rate of registry operations, shared by all workers through one row. `reserve`, `due` and `nextFree` throw
 * `records-unavailable`.
 */
export interface RateLimiter {
  /**
   * Reserves the next free slot; or, if that is still to come, one that has been missed, to be used at once. So workers that are
   * slower than the pace work, instead of putting everything off to the end of what is reserved.
   */
  reserve(): Promise<Reservation>;
  /**
   * When a slot falls now, after the throttling that was met since it was reserved.
   *
   * @returns Unix ms
   */
  due(reservation: Reservation): Promise<number>;
  /**
   * Waits for a slot that is near, in memory; a few at a time, so that a backlog waits in the queue, each message scheduled for
   * its slot, and not in the workers' hands.
   *
   * @returns null when the slot has come, or the Unix ms at which it falls
   */
  waitFor(reservation: Reservation): Promise<number | null>;
  /** An operation goes at this slot: it was not missed, and is nobody else's. */
  markUsed(reservation: Reservation): void;
  /** A slot that was not needed: credit for the next 5 s of this process. */
  release(reservation: Reservation): void;
  /** Counts a further operation of a run that has used its slot, without waiting for one. */
  charge(): void;
  /** The hub throttles: everything that is reserved, and everything to come, moves by this many ms. Never throws. */
  delayAll(ms: number): Promise<void>;
  /**
   * When the next free slot falls, from a reading up to a second old.
   *
   * @returns Unix ms, not before now
   */
  nextFree(): Promise<number>;
}
