import type { Clock, EpochMs } from '../../shared/time.js';
import { hasFinished, isBulk, type StoredAction } from './action.js';
import type { Actions } from './repository.js';

const hour = 3_600_000;
/** A plan shows the state at the time of planning. An older plan cannot be started. */
export const planValidMs = 24 * hour;
/** Writing a plan takes much less time. If a plan is still unfinished after this time, the writing process has died. */
const abandonedAfterMs = hour;
/** After this time no worker can still be reading the set of a finished action. */
const keepSetMs = 24 * hour;
/** Single requests can be many. Their rows remain for this time. */
const keepRequestMs = 90 * 24 * hour;

/**
 * Removes plans too old to be started, plans never written completely, and the sets of actions finished more than a day ago. The finished
 * actions themselves remain for the audit, and single requests for 90 days. The redrive timer calls this function.
 *
 * @throws ProvisioningError `records-unavailable`
 */
export async function cleanUpActions({ actions, clock }: { actions: Actions; clock: Clock }): Promise<void> {
  const now = clock.now();
  for (const { id, plannedAt } of await actions.list(true))
    if (plannedAt < now - abandonedAfterMs) await actions.remove(id);
  for (const action of await actions.list()) {
    if (isStale(action, now) || isOldRequest(action, now)) await actions.remove(action.id);
    else if (hasOldSet(action, now)) await actions.removeSet(action.id);
  }
}

/** A plan is removed an hour after its validity has ended, so that no plan is removed while an operator starts the plan. */
function isStale({ startedAt, plannedAt }: StoredAction, now: EpochMs): boolean {
  return startedAt === null && plannedAt < now - planValidMs - hour;
}

function isOldRequest(action: StoredAction, now: EpochMs): boolean {
  return !isBulk(action) && action.plannedAt < now - keepRequestMs;
}

function hasOldSet(action: StoredAction, now: EpochMs): boolean {
  return hasFinished(action) && !action.setRemoved && (action.endedAt ?? 0) < now - keepSetMs;
}
