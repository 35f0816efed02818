import { ProvisioningError } from '../shared/errors.js';
import type { Clock, EpochMs } from '../shared/time.js';
import type { RateLimiter, Reservation } from './rateLimiter.js';

/**
 * Our own limit of requests to balena, shared by all workers. The first request of a run has a reservation. Every further request, and every
 * request outside of runs, is counted without waiting: a run that has begun goes on. After balena has asked us to wait, nobody sends a
 * request until then.
 */
export interface BalenaLimit
  extends Pick<RateLimiter, 'reserve' | 'due' | 'waitFor' | 'release' | 'nextFree'> {
  /** Marks the reservation of a run as used. The next request of this process is not counted again. */
  use(reservation: Reservation): void;
  /** Counts a request that is about to be sent. */
  count(): void;
  /**
   * Refuses a request while balena wants us to wait, as far as this process knows since the last `pauseMs`. Nothing is awaited here: a run
   * checks its lease before, and sends the request at once.
   *
   * @throws ProvisioningError `balena-throttled`, with the rest of the wait
   */
  expectNoPause(): void;
  /** The rest of the wait that balena has asked for, ms; 0 without a wait. If the records cannot be reached, the last known wait counts. */
  pauseMs(): Promise<number>;
  /** Moves all reservations, after balena has asked us to wait. Never throws. @param ms the wait */
  pause(ms: number): Promise<void>;
}

/** Opens balena's limit. @param rateLimiter the rate limiter on balena's own row */
export function openBalenaLimit(rateLimiter: RateLimiter, clock: Clock): BalenaLimit {
  /** Requests that a used reservation has counted already. */
  let prepaid = 0;

  let pausedUntil: EpochMs = 0;
  const restMs = () => Math.max(0, pausedUntil - clock.now());

  return {
    reserve: (claim) => rateLimiter.reserve(claim),
    due: (reservation) => rateLimiter.due(reservation),
    waitFor: (reservation) => rateLimiter.waitFor(reservation),
    release: (reservation) => rateLimiter.release(reservation),
    nextFree: (claim) => rateLimiter.nextFree(claim),
    use(reservation) {
      rateLimiter.markUsed(reservation);
      prepaid += 1;
    },
    count() {
      if (prepaid > 0) prepaid -= 1;
      else rateLimiter.charge();
    },
    expectNoPause() {
      const retryAfterMs = restMs();
      if (retryAfterMs > 0)
        throw new ProvisioningError('balena-throttled', 'balena has asked us to wait.', { retryAfterMs });
    },
    async pauseMs() {
      pausedUntil = await rateLimiter.pausedUntil().catch(() => pausedUntil);
      return restMs();
    },
    async pause(ms) {
      pausedUntil = Math.max(pausedUntil, clock.now() + ms);
      await rateLimiter.delayAll(ms);
    },
  };
}
