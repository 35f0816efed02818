import { iso, isoOrNull } from '../../iso.js';
import type { Action, ActionCounts } from '../Action.js';
import type { OpsTools } from '../OpsTools.js';
import { type StoredAction, sizeOf } from './StoredAction.js';

/**
 * An action as it is shown.
 *
 * @param counts what has become of it so far; default: none of it was started
 */
export function viewAction(
  { operationsPerMinute }: Pick<OpsTools, 'operationsPerMinute'>,
  action: StoredAction,
  counts: ActionCounts = action.counts ?? noneYet(action),
): Action {
  const {
    id,
    kind,
    state,
    by,
    filter,
    reason,
    startedBy,
    cancelledBy,
    ratePerMinute,
    ramp,
    limit,
    byCode,
    byFleet,
    note,
  } = action;
  const rate = ratePerMinute ?? operationsPerMinute;
  return {
    id,
    kind,
    state,
    by,
    filter,
    reason,
    revoke: action.revoke,
    plannedAt: iso(action.plannedAt),
    startedAt: isoOrNull(action.startedAt),
    startedBy,
    cancelledBy,
    endedAt: isoOrNull(action.endedAt),
    ratePerMinute,
    ramp,
    limit,
    counts,
    byCode,
    byFleet,
    expectedSeconds: kind === 'discard' ? 0 : Math.ceil((sizeOf(action) / rate) * 60),
    note,
  };
}

/** With a further note; null: as it is. */
export function withNote(action: Action, note: string | null): Action {
  if (note === null) return action;
  return { ...action, note: action.note === null ? note : `${action.note} ${note}` };
}

function noneYet({ planned, quarantined, superseded }: StoredAction): ActionCounts {
  return { planned, quarantined, asked: 0, superseded, succeeded: 0, failed: 0, cancelled: 0, underWay: 0 };
}
