import * as z from 'zod';
import type { Records } from '../../device/repository.js';
import { partsOf, type Summary } from '../../device/summary.js';
import { iso, isoOrNull } from '../../shared/time.js';
import { pageOf, pageQuery, readCursor } from '../shared/paging.js';
import { parse, RequestError } from '../shared/request.js';
import { hasFinished, isBulk, type StoredAction, sizeOf } from './action.js';
import type { BulkDependencies } from './dependencies.js';
import type { Actions } from './repository.js';
import { requestedRecords } from './requestedRecords.js';
import {
  type Action,
  type ActionCounts,
  type ActionFailure,
  type ActionPage,
  actionKinds,
  mostFailures,
} from './schema.js';

type ReadDependencies = Pick<BulkDependencies, 'actions' | 'records' | 'operationsPerMinute'>;

/**
 * Reads an action with the present counts.
 *
 * @param id any text; an unknown id is an error
 * @throws RequestError `ops.no-such-action`
 * @throws ProvisioningError `records-unavailable`
 */
export async function readAction(deps: ReadDependencies, id: string): Promise<Action> {
  const stored = await deps.actions.read(id);
  if (!stored)
    throw new RequestError(
      'ops.no-such-action',
      'There is no action with this id. provisioner actions list shows the ids of all actions.',
      404,
    );
  return viewWithCounts(deps, stored.value);
}

/** The view of an action with the present counts, which the records have while the action runs. */
async function viewWithCounts(deps: ReadDependencies, action: StoredAction): Promise<Action> {
  if (action.state === 'planned' || hasFinished(action)) return viewAction(deps, action);
  return viewAction(deps, { ...action, ...(await readOutcomes(deps, action)) });
}

export const actionQuery = z.strictObject({
  kind: z.enum(actionKinds).optional(),
  ...pageQuery,
});

export type ActionQuery = z.input<typeof actionQuery>;

/**
 * Lists all started actions, as the audit, with the present counts.
 *
 * @throws RequestError `ops.bad-request`, `ops.bad-cursor`
 * @throws ProvisioningError `records-unavailable`
 */
export async function listActions(deps: ReadDependencies, query: ActionQuery = {}): Promise<ActionPage> {
  const { kind, order, limit, cursor } = parse(actionQuery, query);
  const started = (await deps.actions.list()).filter(
    (action) => action.startedAt !== null && (kind === undefined || action.kind === kind),
  );
  const { items, next } = pageOf(started, {
    cursorOf: ({ plannedAt, id }) => [iso(plannedAt), id],
    order,
    limit,
    from: cursor === undefined ? null : readCursor(cursor),
  });
  const counted = await Promise.all(items.map((action) => viewWithCounts(deps, action)));
  const actions = counted.map((action) => ({ ...action, failures: [] }));
  return { actions, total: started.length, next };
}

/** The form of an action in the API. Without counts, no request was made yet. */
export function viewAction(
  { operationsPerMinute }: Pick<BulkDependencies, 'operationsPerMinute'>,
  action: StoredAction,
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
    failures,
    byCode,
    byFleet,
    note,
    answer = null,
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
    service: action.service,
    lacking: action.lacking,
    plannedAt: iso(action.plannedAt),
    startedAt: isoOrNull(action.startedAt),
    startedBy,
    cancelledBy,
    endedAt: isoOrNull(action.endedAt),
    ratePerMinute,
    ramp,
    limit,
    counts: action.counts ?? nothingRequested(action),
    failures,
    byCode,
    byFleet,
    expectedSeconds: kind === 'discard' || !isBulk(action) ? 0 : Math.ceil((sizeOf(action) / rate) * 60),
    answer,
    note,
  };
}

/** Appends a note to the action's note. Null changes nothing. */
export function withNote(action: Action, note: string | null): Action {
  if (note === null) return action;
  return { ...action, note: action.note === null ? note : `${action.note} ${note}` };
}

function nothingRequested({ planned, quarantined, superseded }: StoredAction): ActionCounts {
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

/** The outcomes of the requests of an action until now. */
export interface Outcomes {
  counts: ActionCounts;
  /** At most `mostFailures`, in the order of the set. */
  failures: ActionFailure[];
}

/**
 * Reads the outcomes of the requests of an action, from the device records.
 *
 * @throws ProvisioningError `records-unavailable`
 */
export async function readOutcomes(
  deps: { records: Records; actions: Actions },
  action: StoredAction,
): Promise<Outcomes> {
  const { planned, quarantined, nextIndex: requested, kind } = action;
  const counts = { planned, quarantined, requested, superseded: action.superseded };
  if (kind === 'discard') {
    const succeeded = requested - action.superseded;
    return { counts: { ...counts, succeeded, failed: 0, cancelled: 0, underWay: 0 }, failures: [] };
  }
  const outcomes = { succeeded: 0, failed: 0, cancelled: 0, underWay: 0 };
  const failures: ActionFailure[] = [];
  // The record of a refused request belongs to the request before.
  for (const part of (await requestedRecords(deps, action)).flatMap(partsOf)) {
    if (part.action !== action.id) continue;
    const outcome = outcomeOf(part);
    outcomes[outcome] += 1;
    if (outcome === 'failed' && failures.length < mostFailures) failures.push(failureOf(part));
  }
  const counted = outcomes.succeeded + outcomes.failed + outcomes.cancelled + outcomes.underWay;
  // A record leaves the action when a later request replaces the request of the action: `counted` is then below `requested`. While a worker
  // is requesting a part, `counted` is above `requested`, because `next` is stored after the part.
  return {
    counts: {
      ...counts,
      requested: Math.max(requested, counted),
      superseded: Math.max(action.superseded, requested - counted),
      ...outcomes,
    },
    failures,
  };
}

function failureOf({ uuid, code, step, message }: Summary): ActionFailure {
  return { uuid, code: code ?? 'unexpected', step, message };
}

/** Whether the device's pending job belongs to the action. */
export function isUnderWay({ action, job }: Summary, id: string): boolean {
  return action === id && job !== null && job.deadAt === null;
}

function outcomeOf({ job, state, completedAt }: Summary): 'succeeded' | 'failed' | 'cancelled' | 'underWay' {
  if (job?.cancelled) return 'cancelled';
  if (job && job.deadAt === null) return 'underWay';
  // A cancelled rotation: the record has the state from before the rotation.
  if (!job && completedAt === null) return 'cancelled';
  return state === 'failed' ? 'failed' : 'succeeded';
}
