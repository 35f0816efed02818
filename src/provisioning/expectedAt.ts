import type { DeviceRecord } from '../device/record.js';
import type { Clock } from '../shared/time.js';
import type { RateLimiter } from '../throttling/rateLimiter.js';

/**
 * When the work on a record is expected to be done: at its slot if it has one, at the next free one otherwise, and never
 * before it is due.
 *
 * @returns Unix ms
 */
export async function expectedAt(
  { rateLimiter, clock }: { rateLimiter: RateLimiter; clock: Clock },
  { job }: DeviceRecord,
): Promise<number> {
  const reservation =
    job?.reservation === undefined ? await rateLimiter.nextFree() : await rateLimiter.due(job.reservation);
  return Math.round(Math.max(reservation, job?.due ?? 0, clock.now()));
}
