import type { Clock } from '../clock.js';
import type { Queue } from '../edges/queue.js';
import { ProvisioningError } from '../ProvisioningError.js';
import type { DeviceRecord } from '../record/DeviceRecord.js';
import type { Records } from '../records.js';
import { messageIdOf, send } from './send.js';

/**
 * Sends the message of a record just written; if that fails, its ticket is marked, so that the next ask sends it. If it cannot
 * be marked either, the overdue timer sends it.
 *
 * @throws ProvisioningError `queue-unavailable`
 */
export async function sendOrMark(
  tools: { records: Records; queue: Queue; clock: Clock },
  record: DeviceRecord,
): Promise<void> {
  try {
    await send(tools, record);
  } catch (error) {
    await tools.records.amend(record.uuid, (now) => markUnsent(now, record)).catch(() => {});
    throw ProvisioningError.from(error);
  }
}

function markUnsent(record: DeviceRecord | null, sent: DeviceRecord): DeviceRecord | null {
  if (!record?.ticket || messageIdOf(record) !== messageIdOf(sent) || record.ticket.unsent) return null;
  record.ticket.unsent = true;
  return record;
}
