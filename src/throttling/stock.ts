import type { Clock, EpochMs } from '../shared/time.js';
import { ownLaneOf } from './line.js';
import type { Claim, Reservation } from './rateLimiter.js';

/** The shortest time in which calls are counted for the next block. */
const shortestSampleMs = 250;
/** A process takes ahead what its calls need in this time. */
const aheadMs = 2_500;
/** Operations that nobody has used within this time are given back. */
export const stockMs = 5_000;

/** The operations that a busy process has taken ahead, by claim. Each is used soon, or given back. */
export function openStock(clock: Clock) {
  const shelves = new Map<
    string,
    { claim: Claim; calls: number; ready: { at: EpochMs; one: Reservation }[] }
  >();
  const shelfOf = (claim: Claim) => {
    const id = ownLaneOf(claim);
    const shelf = shelves.get(id) ?? { claim, calls: 0, ready: [] };
    shelves.set(id, shelf);
    return shelf;
  };
  return {
    take(claim: Claim): Reservation | undefined {
      const shelf = shelfOf(claim);
      shelf.calls += 1;
      const [first] = shelf.ready;
      if (!first || clock.now() - first.at > stockMs) return undefined;
      shelf.ready.shift();
      return first.one;
    },
    /** @returns whether there was anything to put */
    put(taken: [Claim, Reservation[]][]): boolean {
      const at = clock.now();
      for (const [claim, reservations] of taken)
        shelfOf(claim).ready.push(...reservations.map((one) => ({ at, one })));
      return taken.some(([, { length }]) => length > 0);
    },
    /** Takes what nobody has used off the shelves. */
    expired(): Reservation[] {
      const before = clock.now() - stockMs;
      return [...shelves.values()].flatMap((shelf) => {
        const old = shelf.ready.filter(({ at }) => at < before);
        shelf.ready = shelf.ready.filter(({ at }) => at >= before);
        return old.map(({ one }) => one);
      });
    },
    /** How many operations a busy process needs until its next write, by its calls since the last write. */
    wanted(sinceMs: number, most: number): [Claim, number][] {
      const needed = [...shelves.values()].map(({ claim, calls, ready }): [Claim, number] => {
        const soon = Math.floor((calls * aheadMs) / Math.max(sinceMs, shortestSampleMs));
        return [claim, claim.isUrgent ? 0 : Math.min(soon, most) - ready.length];
      });
      for (const [id, shelf] of shelves) {
        shelf.calls = 0;
        if (shelf.ready.length === 0) shelves.delete(id);
      }
      return needed.filter(([, count]) => count > 0);
    },
  };
}
