import { keptPlace, type RateLimiter } from '../../../src/throttling/rateLimiter.js';
import type { System } from './createSystem.js';

/** No turn is given twice, unless the turn was given back. */
export function watchRateLimiter({ world, reservations }: System, rateLimiter: RateLimiter): RateLimiter {
  return {
    ...rateLimiter,
    async reserve(claim) {
      const reservation = await rateLimiter.reserve(claim);
      const { lane, turn } = reservation;
      if (turn > 0 && reservations.has(`${lane}/${turn}`)) world.violated('', 'a slot was given twice');
      reservations.add(`${lane}/${turn}`);
      return reservation;
    },
    release(reservation) {
      const { lane, turn } = keptPlace(reservation);
      reservations.delete(`${lane}/${turn}`);
      rateLimiter.release(reservation);
    },
  };
}
