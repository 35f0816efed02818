import type { DeviceRecord } from '../device/record.js';
import { pendingWork } from '../device/state.js';
import type { Clock, EpochMs } from '../shared/time.js';
import type { RateLimiter } from '../throttling/rateLimiter.js';
import { claimOf } from './reserve.js';

/**
 * The time at which the work on a record is expected to be done: the time of its reservation, or of the next free operation if the
 * work has no reservation. The expected time is never before the work is due. After the death of a worker, nothing happens before the
 * end of its lease.
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
    reservation === undefined
      ? await rateLimiter.nextFree(claimOf(record))
      : await rateLimiter.due(reservation);
  const leasedUntil = record.lease?.interrupted ? record.lease.until : 0;
  return Math.round(Math.max(operationDue, work?.due ?? 0, leasedUntil, clock.now()));
}
