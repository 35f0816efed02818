import { deadPart } from '../../device/refusal.js';
import { discarded as discardedRecord } from '../../device/transitions.js';
import type { Item, StoredAction } from './action.js';
import type { BulkDependencies } from './dependencies.js';

/**
 * Discards a failed request, or a dead letter without a record. The redrive then removes the dead letter. A later request of the
 * device is still accepted after the cool-down.
 *
 * @returns false if the item is superseded: the device's record has another job by now
 * @throws ProvisioningError `records-unavailable`
 */
export async function discardItem(
  { records, discarded, clock }: Pick<BulkDependencies, 'records' | 'discarded' | 'clock'>,
  { reason, startedBy, by: plannedBy }: StoredAction,
  item: Item,
): Promise<boolean> {
  const now = clock.now();
  const decision = { by: startedBy ?? plannedBy, reason: reason ?? '' };
  let hasRecord = false;
  let isDone = false;
  if (item.uuid !== null) {
    await records.amend(item.uuid, (record) => {
      hasRecord = record !== null;
      isDone = record !== null && deadPart(record, item) !== null;
      return record && isDone ? discardedRecord(record, { now }, decision, item) : null;
    });
  }
  if (hasRecord || item.sequenceNumber === null) return isDone;
  await discarded.add({ sequenceNumber: item.sequenceNumber, at: now, ...decision });
  return true;
}
