import type { DeviceRecord } from '../device/record.js';
import type { Records } from '../device/repository.js';
import { isPending } from '../device/state.js';
import { reschedule } from '../device/transitions.js';
import { publishOrMarkUnsent } from '../queue/publish.js';
import type { Queue } from '../queue/queue.js';
import type { Clock } from '../shared/time.js';

/**
 * Has a worker look whether the device is what it should be, and repair it. A hint: what the device should be stays, and work
 * that is owed already, or given up, stays as it is.
 *
 * @param distrust also have the worker ask the hub; a live ticket takes this over
 * @param due Unix ms before which it need not be looked at; default: now
 * @throws ProvisioningError `records-unavailable`, `queue-unavailable`
 */
export async function check(
  deps: { records: Records; queue: Queue; clock: Clock },
  uuid: string,
  forceVerify = false,
  due?: number,
): Promise<void> {
  let unsent: DeviceRecord | null = null;
  const written = await deps.records.amend(uuid, (record) => {
    if (!record) return null;
    const { job } = record;
    unsent = isPending(job) && job.unsent ? record : null;
    if (job) {
      if (!forceVerify || !isPending(job) || job.forceVerify) return null;
      job.forceVerify = true;
      return record;
    }
    const now = deps.clock.now();
    reschedule(record, Math.max(now, due ?? now), { kind: 'check', forceVerify });
    Object.assign(record, { attempts: 0, retries: 0 });
    return record;
  });
  const owed = written ?? unsent;
  if (owed) await publishOrMarkUnsent(deps, owed);
}
