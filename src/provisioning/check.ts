import type { DeviceRecord } from '../device/record.js';
import type { Records } from '../device/repository.js';
import { isPending } from '../device/state.js';
import { checkRequested } from '../device/transitions.js';
import { publishOrMarkUnsent } from '../queue/publish.js';
import type { Queue } from '../queue/queue.js';
import type { Clock, EpochMs } from '../shared/time.js';
import { currentTraceparent } from '../telemetry/traceparent.js';

/**
 * Requests a check: a worker compares the device with its desired state, and repairs differences. The desired state stays. A pending job
 * stays, and takes over `forceVerify`. A dead job stays as it is. A device without a record is ignored.
 *
 * @param forceVerify true if the worker must also read the identity at the hub
 * @param due the comparison must not begin earlier; default: now
 * @returns the record with the pending job, or with the dead job that stays; null if the device has no record
 * @throws ProvisioningError `records-unavailable`, `queue-unavailable`
 */
export async function requestCheck(
  deps: { records: Records; queue: Queue; clock: Clock },
  uuid: string,
  forceVerify = false,
  due?: EpochMs,
): Promise<DeviceRecord | null> {
  let found: DeviceRecord | null = null;
  const written = await deps.records.amend(uuid, (record) => {
    found = record;
    if (!record) return null;
    const context = { now: deps.clock.now(), traceparent: currentTraceparent() };
    return checkRequested(record, context, forceVerify, due);
  });
  const record = written ?? (found as DeviceRecord | null);
  const isUnsent = isPending(record?.job ?? null) && record?.job?.unsent === true;
  if (record && (written || isUnsent)) await publishOrMarkUnsent(deps, record);
  return record;
}
