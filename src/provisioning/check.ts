import type { DeviceRecord } from '../device/record.js';
import type { Records } from '../device/repository.js';
import { live } from '../device/state.js';
import { again } from '../device/transitions.js';
import { sendOrMark } from '../queue/publish.js';
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
  tools: { records: Records; queue: Queue; clock: Clock },
  uuid: string,
  distrust = false,
  due?: number,
): Promise<void> {
  let unsent: DeviceRecord | null = null;
  const written = await tools.records.amend(uuid, (record) => {
    if (!record) return null;
    const { ticket } = record;
    unsent = live(ticket) && ticket.unsent ? record : null;
    if (ticket) {
      if (!distrust || !live(ticket) || ticket.distrust) return null;
      ticket.distrust = true;
      return record;
    }
    const now = tools.clock.now();
    again(record, Math.max(now, due ?? now), { kind: 'check', distrust });
    Object.assign(record, { attempts: 0, retries: 0 });
    return record;
  });
  const owed = written ?? unsent;
  if (owed) await sendOrMark(tools, owed);
}
