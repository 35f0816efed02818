import type { Reservation } from '../shared/reservation.js';
import type { EpochMs } from '../shared/time.js';

export type { Reservation } from '../shared/reservation.js';

/** The place of work whose operation was used, and that needs another one. The line moves back by one operation. */
export function keptPlace({ lane, turn }: Reservation): Reservation {
  return { lane, turn: Math.max(turn, 1) };
}

/** Who reserves an operation. */
export interface Claim {
  /** Fleets with waiting devices share the rate. */
  fleet?: string | null;
  /** The device exists, as far as we know. Devices without a known fleet that anybody may have invented have a lane of their own. */
  isKnown?: boolean;
  /** The operation goes first: the whole line moves back by one operation. */
  isUrgent?: boolean;
}

/**
 * A rate limit of operations, shared by all workers through one row: registry operations of the hub, or requests to balena. Methods
 * with a result throw `records-unavailable`.
 */
export interface RateLimiter {
  /** Reserves the next free operation, or a place in the line. */
  reserve(claim?: Claim): Promise<Reservation>;
  /** The expected moment of the reservation, by the present rate and the present line. */
  due(reservation: Reservation): Promise<EpochMs>;
  /**
   * The moment at which work with this reservation should look again. The moment of a distant reservation can come closer, so the work looks
   * again several times.
   */
  wakeAt(reservation: Reservation): Promise<EpochMs>;
  /**
   * Waits in memory for a near reservation, a few calls at a time. A backlog waits in the queue, and the workers stay free. Work that is
   * there early may begin if the line stands still because others do not use their reservations.
   *
   * @returns null when the reservation is due; for a distant reservation, the moment at which the work should look again
   */
  waitFor(reservation: Reservation): Promise<EpochMs | null>;
  /** Marks a reservation as used by an operation. The line moves on as reservations are used. */
  markUsed(reservation: Reservation): void;
  /** Gives an unneeded reservation back. Everybody can use the operation at once. */
  release(reservation: Reservation): void;
  /** Counts a further operation of a run that has used its reservation. The run does not wait, and the line moves back by one operation. */
  charge(): void;
  /** Lets no operation begin for `ms`, after throttling by the hub. Never throws. */
  delayAll(ms: number): Promise<void>;
  /** The end of the last wait of `delayAll`, not before now, from a reading up to a second old. */
  pausedUntil(): Promise<EpochMs>;
  /** The expected moment of a new reservation, not before now, from a reading up to a second old. */
  nextFree(claim?: Claim): Promise<EpochMs>;
}
