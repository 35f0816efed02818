import type { OpsDependencies } from '../dependencies.js';
import { hasFinished, type StoredAction } from './action.js';

const hour = 3_600_000;
/** A plan tells what was so when it was made: after this it is to be made anew. */
export const planIsGoodForMs = 24 * hour;
/** No plan takes so long to be written: whoever was at it died. */
const writtenWithinMs = hour;
/** Of an action that has ended, no worker is at a part of it any more. */
const setIsKeptForMs = 24 * hour;

/**
 * Removes what is needed no more: plans that were never started, once they cannot be started any more; those that were never
 * written to their end; and the sets of actions that ended a day ago, which themselves stay as the audit. The overdue timer calls
 * it.
 */
export async function cleanUpActions({
  actions,
  clock,
}: Pick<OpsDependencies, 'actions' | 'clock'>): Promise<void> {
  const now = clock.now();
  for (const { id, plannedAt } of await actions.list(true))
    if (plannedAt < now - writtenWithinMs) await actions.remove(id);
  for (const action of await actions.list()) {
    if (isStale(action, now)) await actions.remove(action.id);
    else if (hasOldSet(action, now)) await actions.removeSet(action.id);
  }
}

/** A little later than it may be started: a start and this never cross. */
function isStale({ startedAt, plannedAt }: StoredAction, now: number): boolean {
  return startedAt === null && plannedAt < now - planIsGoodForMs - hour;
}

function hasOldSet(action: StoredAction, now: number): boolean {
  return hasFinished(action) && !action.setRemoved && (action.endedAt ?? 0) < now - setIsKeptForMs;
}
