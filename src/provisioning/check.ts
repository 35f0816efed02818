import type { DeviceRecord } from '../device/record.js';
import type { Records } from '../device/repository.js';
import { isCheckNext } from '../device/state.js';
import { type CheckDetails, checkRequested } from '../device/transitions.js';
import { publishOrMarkUnsent } from '../queue/publish.js';
import type { Queue } from '../queue/queue.js';
import type { Clock } from '../shared/time.js';
import { currentTraceparent } from '../telemetry/traceparent.js';

/**
 * Requests a check: a worker compares the device with its desired state, and repairs differences, whatever became of the last request.
 * The desired state stays. The check follows a pending change, and a run that is under way. A device without a record is ignored.
 *
 * @returns the record with the requested check; null if the device has no record
 * @throws ProvisioningError `records-unavailable`, `queue-unavailable`
 */
export async function requestCheck(
  deps: { records: Records; queue: Queue; clock: Clock },
  uuid: string,
  details: CheckDetails = {},
): Promise<DeviceRecord | null> {
  let found: DeviceRecord | null = null;
  const written = await deps.records.amend(uuid, (record) => {
    found = record;
    if (!record) return null;

    const context = { now: deps.clock.now(), traceparent: currentTraceparent() };
    return checkRequested(record, context, details);
  });
  const record = written ?? (found as DeviceRecord | null);
  // The message of a pending change is sent already. The check follows the change.
  const isToSend =
    record !== null && isCheckNext(record) && (written !== null || record.check?.unsent === true);
  if (isToSend) await publishOrMarkUnsent(deps, record);
  return record;
}
