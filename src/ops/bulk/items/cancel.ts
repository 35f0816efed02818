import type { DeviceRecord } from '../../../device/record.js';
import { isInDesiredState, isPending } from '../../../device/state.js';
import { appendHistory } from '../../../device/transitions.js';
import { publish } from '../../../queue/publish.js';
import { ProvisioningError } from '../../../shared/errors.js';
import type { OpsDependencies } from '../../dependencies.js';
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
  deps: Pick<OpsDependencies, 'records' | 'queue' | 'clock'>,
  action: StoredAction,
  uuid: string,
): Promise<void> {
  for (let tries = 0; tries < mostConflicts; tries += 1) {
    const found = await deps.records.read(uuid);
    if (!found || !isToCancel(found.value, action)) return;
    await publish(deps, found.value);
    // On the ETag just read: only the ticket whose message was sent is given up.
    if (await deps.records.write(giveUp(found.value, action, deps.clock.now()), found.etag)) return;
  }
  throw new ProvisioningError('records-unavailable', 'The record is being changed too often.', {
    retry: 'later',
  });
}

function isToCancel({ action, job }: DeviceRecord, { id }: StoredAction): boolean {
  return action?.id === id && isPending(job) && job.kind === 'change';
}

function giveUp(record: DeviceRecord, action: StoredAction, now: number): DeviceRecord {
  if (record.job) record.job.dead = { at: now, cancelled: true };
  // Why it is not provisioned is what it failed of before.
  record.error = record.action?.error ?? {
    code: 'cancelled',
    step: null,
    message: 'A replay of it was cancelled before it was done.',
    at: now,
  };
  appendHistory(record, {
    at: now,
    type: 'cancelled',
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
  { records, clock }: Pick<OpsDependencies, 'records' | 'clock'>,
  action: StoredAction,
  uuid: string,
): Promise<void> {
  await records.amend(uuid, (record) => {
    if (!record?.action || record.action.id !== action.id || !isPending(record.job)) return null;
    if (record.lease || record.attempts > 0 || record.retries > 0) return null;
    const { retire: _, revoke: __, ...desired } = record.desired;
    const as: DeviceRecord = { ...record, desired: { ...desired, ...record.action.before }, job: null };
    if (!isInDesiredState(as)) return null;
    appendHistory(as, {
      at: clock.now(),
      type: 'cancelled',
      note: `the rotation was cancelled by ${action.cancelledBy ?? action.by}`,
    });
    return as;
  });
}
