import { hasPendingChange } from '../../device/state.js';
import { cancelled, rotationCancelled } from '../../device/transitions.js';
import { publish, publishOrMarkUnsent } from '../../queue/publish.js';
import { ProvisioningError } from '../../shared/errors.js';
import type { StoredAction } from './action.js';
import type { BulkDependencies } from './dependencies.js';

const mostConflicts = 50;

/**
 * Cancels a replay that is not done: the job becomes dead again.
 *
 * The job's message stays in the queue, and is dead-lettered when the message is due. Without the message the request would have no dead
 * letter. The process that replayed the request may have died before sending the message, so the message is sent once more before the job
 * becomes dead.
 *
 * @throws ProvisioningError `records-unavailable`, `queue-unavailable`: the job may be cancelled all the same
 */
export async function cancelItem(
  { records, queue, clock }: Pick<BulkDependencies, 'records' | 'queue' | 'clock'>,
  action: StoredAction,
  uuid: string,
): Promise<void> {
  for (let tries = 0; tries < mostConflicts; tries += 1) {
    const found = await records.read(uuid);
    if (found?.value.action?.id !== action.id || !hasPendingChange(found.value)) return;
    await publish({ queue, clock }, found.value);
    const next = cancelled(found.value, { now: clock.now() }, operatorOf(action));
    if (!next) return;
    // The write fails if the record has another job by now: the message of the cancelled job was certainly sent.
    if (!(await records.write(next, found.etag))) continue;
    // A check that the replay had delayed is the next work.
    await publishOrMarkUnsent({ records, queue, clock }, next);
    return;
  }
  throw new ProvisioningError('records-unavailable', 'Other writers change the record too often.');
}

/**
 * Cancels a rotation that no worker has begun.
 *
 * @throws ProvisioningError `records-unavailable`, `queue-unavailable`: the rotation may be cancelled all the same
 */
export async function cancelRotation(
  { records, queue, clock }: Pick<BulkDependencies, 'records' | 'queue' | 'clock'>,
  action: StoredAction,
  uuid: string,
): Promise<void> {
  const written = await records.amend(uuid, (record) =>
    record?.action?.id === action.id
      ? rotationCancelled(record, { now: clock.now() }, operatorOf(action))
      : null,
  );
  // A check that the rotation had delayed is the next work.
  if (written) await publishOrMarkUnsent({ records, queue, clock }, written);
}

function operatorOf({ cancelledBy, by }: StoredAction): string {
  return cancelledBy ?? by;
}
