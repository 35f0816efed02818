import type { DeviceRecord } from '../../../device/record.js';
import { fits, live } from '../../../device/state.js';
import { tell } from '../../../device/transitions.js';
import { send } from '../../../queue/publish.js';
import { ProvisioningError } from '../../../shared/errors.js';
import type { OpsTools } from '../../dependencies.js';
import type { StoredAction } from '../action.js';

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

/**
 * Takes back a rotation that nobody has begun with: the device is as it was, and needs nothing. One that was begun goes on to its
 * end, because in the midst of it the hub may not accept any more what the device holds.
 *
 * @throws ProvisioningError `records-unavailable`
 */
export async function cancelRotation(
  { records, clock }: Pick<OpsTools, 'records' | 'clock'>,
  action: StoredAction,
  uuid: string,
): Promise<void> {
  await records.amend(uuid, (record) => {
    if (!record?.action || record.action.id !== action.id || !live(record.ticket)) return null;
    if (record.lease || record.attempts > 0 || record.retries > 0) return null;
    const { retire: _, revoke: __, ...desired } = record.desired;
    const as: DeviceRecord = { ...record, desired: { ...desired, ...record.action.before }, ticket: null };
    if (!fits(as)) return null;
    tell(as, {
      at: clock.now(),
      what: 'cancelled',
      note: `the rotation was cancelled by ${action.cancelledBy ?? action.by}`,
    });
    return as;
  });
}
