import type { DeviceRecord } from '../device/record.js';
import { pendingWork } from '../device/state.js';
import type { Clock, EpochMs } from '../shared/time.js';
import type { RateLimiter } from '../throttling/rateLimiter.js';

/**
 * The time at which the work on a record is expected to be done: the time of its reservation, or of the next free operation if the
 * work has no reservation. The expected time is never before the work is due.
 *
 * @throws ProvisioningError `records-unavailable`
 */
export async function expectedAt(
  { rateLimiter, clock }: { rateLimiter: RateLimiter; clock: Clock },
  record: DeviceRecord,
): Promise<EpochMs> {
  const work = pendingWork(record);
  const reservation = work?.reservation;
  const operationDue =
    reservation === undefined ? await rateLimiter.nextFree() : await rateLimiter.due(reservation);
  return Math.round(Math.max(operationDue, work?.due ?? 0, clock.now()));
}
