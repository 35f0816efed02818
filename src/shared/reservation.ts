/**
 * The right to one registry operation: a place in a lane of the line. Places are counted in operations, so that more units make every place
 * come sooner, in the same order.
 */
export interface Reservation {
  /** The lane: see `laneOf` in `src/throttling/line.ts`. */
  readonly lane: string;
  /** The number in the lane. 0: the operation is free at once. */
  readonly turn: number;
}
