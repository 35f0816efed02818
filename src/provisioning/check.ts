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
 * @throws ProvisioningError `records-unavailable`, `queue-unavailable`
 */
export async function requestCheck(
  deps: { records: Records; queue: Queue; clock: Clock },
  uuid: string,
  forceVerify = false,
  due?: EpochMs,
): Promise<void> {
  let unsent: DeviceRecord | null = null;
  const written = await deps.records.amend(uuid, (record) => {
    if (!record) return null;
    unsent = isPending(record.job) && record.job.unsent ? record : null;
    const context = { now: deps.clock.now(), traceparent: currentTraceparent() };
    return checkRequested(record, context, forceVerify, due);
  });
  const pending = written ?? unsent;
  if (pending) await publishOrMarkUnsent(deps, pending);
}
