import type { DeviceRecord } from '../device/record.js';
import type { Clock, EpochMs } from '../shared/time.js';
import type { RateLimiter } from '../throttling/rateLimiter.js';

/**
 * The time at which the work on a record is expected to be done: the time of the job's reservation, or of the next free operation if the
 * job has no reservation. The expected time is never before the job is due. After the death of a worker, nothing happens before the end of
 * its lease.
 *
 * @throws ProvisioningError `records-unavailable`
 */
export async function expectedAt(
  { rateLimiter, clock }: { rateLimiter: RateLimiter; clock: Clock },
  { job, lease }: DeviceRecord,
): Promise<EpochMs> {
  const operationDue =
    job?.reservation === undefined ? await rateLimiter.nextFree() : await rateLimiter.due(job.reservation);
  const leasedUntil = lease?.interrupted ? lease.until : 0;
  return Math.round(Math.max(operationDue, job?.due ?? 0, leasedUntil, clock.now()));
}
