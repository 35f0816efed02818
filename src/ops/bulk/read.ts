import { z } from 'zod';
import type { Records } from '../../device/repository.js';
import type { Summary } from '../../device/summary.js';
import { iso, isoOrNull } from '../../shared/time.js';
import type { OpsDependencies } from '../dependencies.js';
import { parse } from '../filter.js';
import { pageOf, pageQuery, readCursor } from '../paging.js';
import { RequestError } from '../requestError.js';
import { hasFinished, type StoredAction, sizeOf } from './action.js';
import { type Action, type ActionCounts, type ActionPage, actionKinds } from './schema.js';

/**
 * An action with what has become of it by now.
 *
 * @throws Refused if there is none of this id; ProvisioningError `records-unavailable`
 */
export async function readAction(deps: OpsDependencies, id: string): Promise<Action> {
  const found = await deps.actions.read(id);
  if (!found) throw new RequestError('ops.no-such-action', 'There is no action of this id.', 404);
  const action = found.value;
  if (action.state === 'planned' || hasFinished(action)) return viewAction(deps, action);
  return viewAction(deps, action, await countOutcomes(deps.records, action));
}

export const actionQuery = z.strictObject({
  kind: z.enum(actionKinds).optional(),
  ...pageQuery,
});

export type ActionQuery = z.input<typeof actionQuery>;

/**
 * The audit: a page of all actions, those that were never started left out. The counts of one that is running are those of its
 * last step; `readAction` has the present ones.
 *
 * @throws Refused; ProvisioningError `records-unavailable`
 */
export async function listActions(deps: OpsDependencies, query: ActionQuery = {}): Promise<ActionPage> {
  const { kind, order, limit, cursor } = parse(actionQuery, query);
  const found = (await deps.actions.list()).filter(
    (action) => action.startedAt !== null && (kind === undefined || action.kind === kind),
  );
  const { items, next } = pageOf(found, {
    cursorOf: ({ plannedAt, id }) => [iso(plannedAt), id],
    order,
    limit,
    from: cursor === undefined ? null : readCursor(cursor),
  });
  return { actions: items.map((action) => viewAction(deps, action)), total: found.length, next };
}

/**
 * An action as it is shown.
 *
 * @param counts what has become of it so far; default: none of it was started
 */
export function viewAction(
  { operationsPerMinute }: Pick<OpsDependencies, 'operationsPerMinute'>,
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
  return {
    planned,
    quarantined,
    requested: 0,
    superseded,
    succeeded: 0,
    failed: 0,
    cancelled: 0,
    underWay: 0,
  };
}

/**
 * What has become of those that an action asked for.
 *
 * @throws ProvisioningError `records-unavailable`
 */
export async function countOutcomes(records: Records, action: StoredAction): Promise<ActionCounts> {
  const { planned, quarantined, next: requested, kind } = action;
  const counts = { planned, quarantined, requested, superseded: action.superseded };
  if (kind === 'discard') {
    return { ...counts, succeeded: requested - action.superseded, failed: 0, cancelled: 0, underWay: 0 };
  }
  const outcomes = { succeeded: 0, failed: 0, cancelled: 0, underWay: 0 };
  for await (const summary of records.summaries({ action: action.id })) outcomes[outcomeOf(summary)] += 1;
  const found = outcomes.succeeded + outcomes.failed + outcomes.cancelled + outcomes.underWay;
  // Those that others have asked for since are not ours any more. A part that is just being asked for is not counted as asked yet.
  return {
    ...counts,
    requested: Math.max(requested, found),
    superseded: Math.max(action.superseded, requested - found),
    ...outcomes,
  };
}

function outcomeOf({ job, state, completedAt }: Summary): 'succeeded' | 'failed' | 'cancelled' | 'underWay' {
  if (job?.cancelled) return 'cancelled';
  if (job && job.deadAt === null && job.kind === 'change') return 'underWay';
  // A rotation that was taken back: the device is as it was.
  if (!job && completedAt === null) return 'cancelled';
  return state === 'failed' ? 'failed' : 'succeeded';
}
