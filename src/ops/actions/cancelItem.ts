import { send } from '../../message/send.js';
import { ProvisioningError } from '../../ProvisioningError.js';
import type { DeviceRecord } from '../../record/DeviceRecord.js';
import { live } from '../../record/live.js';
import { tell } from '../../record/tell.js';
import type { OpsTools } from '../OpsTools.js';
import type { StoredAction } from './StoredAction.js';

const mostConflicts = 50;

/**
 * Gives up again what an action asked for and is not done. Its message stays in the queue, and dead-letters itself when it falls
 * due: to cancel the message would leave the request nowhere. So would a ticket that is given up before its message was ever
 * sent, by a replay that failed or died just then: it is sent first, once more.
 *
 * @throws ProvisioningError `records-unavailable`, `queue-unavailable`: it may be given up all the same
 */
export async function cancelItem(
  tools: Pick<OpsTools, 'records' | 'queue' | 'clock'>,
  action: StoredAction,
  uuid: string,
): Promise<void> {
  for (let tries = 0; tries < mostConflicts; tries += 1) {
    const found = await tools.records.read(uuid);
    if (!found || !isToCancel(found.value, action)) return;
    await send(tools, found.value);
    // On the ETag just read: only the ticket whose message was sent is given up.
    if (await tools.records.write(giveUp(found.value, action, tools.clock.now()), found.etag)) return;
  }
  throw new ProvisioningError('records-unavailable', 'The record is being changed too often.', {
    retry: 'later',
  });
}

function isToCancel({ action, ticket }: DeviceRecord, { id }: StoredAction): boolean {
  return action?.id === id && live(ticket) && ticket.kind === 'change';
}

function giveUp(record: DeviceRecord, action: StoredAction, now: number): DeviceRecord {
  if (record.ticket) record.ticket.dead = { at: now, cancelled: true };
  // Why it is not provisioned is what it failed of before.
  record.error = record.action?.error ?? {
    code: 'cancelled',
    step: null,
    message: 'A replay of it was cancelled before it was done.',
    at: now,
  };
  tell(record, {
    at: now,
    what: 'cancelled',
    note: `the replay was cancelled by ${action.cancelledBy ?? action.by}`,
  });
  return record;
}
