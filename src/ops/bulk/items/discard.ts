import { appendHistory } from '../../../device/transitions.js';
import type { OpsDependencies } from '../../dependencies.js';
import type { Item, StoredAction } from '../action.js';

/**
 * Writes down that ops want nothing more of a failed request, or of a letter without a record; the overdue timer then removes
 * the letter. A device that asks again is served all the same, after its cool-down.
 *
 * @returns false if it is superseded: its record has moved on, and is left alone
 * @throws ProvisioningError `records-unavailable`
 */
export async function discardItem(
  { records, discarded, clock }: Pick<OpsDependencies, 'records' | 'discarded' | 'clock'>,
  { reason, ...action }: StoredAction,
  { uuid, requestId, generation, sequenceNumber }: Item,
): Promise<boolean> {
  const why = { at: clock.now(), by: action.startedBy ?? action.by, reason: reason ?? '' };
  let found = false;
  let isDone = false;
  if (uuid !== null) {
    await records.amend(uuid, (record) => {
      found = record !== null;
      isDone = false;
      if (!record) return null;
      const { job, desired } = record;
      if (!job?.dead || job.generation !== generation || desired.requestId !== requestId) return null;
      isDone = true;
      if (job.dead.discarded) return null;
      job.dead.discarded = why;
      appendHistory(record, { at: why.at, type: 'discarded', note: `by ${why.by}: ${why.reason}` });
      return record;
    });
  }
  if (found || sequenceNumber === null) return isDone;
  await discarded.add({ sequenceNumber, ...why });
  return true;
}
