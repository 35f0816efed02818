import type { Records } from '../../device/repository.js';
import type { Summary } from '../../device/summary.js';
import type { StoredAction } from './action.js';
import type { Actions } from './repository.js';

/** Items between two writes of the action. If the process dies, the next worker repeats at most this number of items. */
export const itemsPerPart = 100;

/**
 * Reads the records of the devices that an action has requested, or is requesting now. A record may belong to a later request meanwhile.
 *
 * @param from the index in the set of the first item; default: the first item of the set
 * @throws ProvisioningError `records-unavailable`
 */
export async function requestedRecords(
  { records, actions }: { records: Records; actions: Actions },
  { id, nextIndex, planned }: StoredAction,
  from = 0,
): Promise<Summary[]> {
  // The progress is stored after a part. A worker may be in the middle of the next part.
  const items = await actions.items(id, from, Math.min(planned, nextIndex + itemsPerPart));
  return records.summariesOf(items.flatMap(({ uuid }) => uuid ?? []));
}
