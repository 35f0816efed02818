import type { Clock } from '../../../src/shared/time.js';
import { abandonedAfterMs, type RateLimiter } from '../../../src/throttling/rateLimiter.js';
import type { System } from './createSystem.js';

/** No reservation is given twice, unless the reservation was released or missed. */
export function watchRateLimiter(
  { world, reservations }: System,
  clock: Clock,
  rateLimiter: RateLimiter,
): RateLimiter {
  return {
    ...rateLimiter,
    async reserve() {
      const reservation = await rateLimiter.reserve();
      const isMissed = clock.now() - (await rateLimiter.due(reservation)) >= abandonedAfterMs - 1_000;
      if (reservations.has(reservation) && !isMissed) world.violated('', 'a slot was given twice');
      reservations.add(reservation);
      return reservation;
    },
    release(reservation) {
      reservations.delete(reservation);
      rateLimiter.release(reservation);
    },
  };
}
