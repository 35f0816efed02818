import * as z from 'zod';
import { count, next, service, step, time } from '../../shared/schemas.js';

/** The kinds of bulk actions: an operator plans a set of items, and workers carry the action on. */
export const bulkKinds = ['replay', 'discard', 'rotate'] as const;
export type BulkKind = (typeof bulkKinds)[number];

/** The kinds of single requests from the page, the API or the CLI. A single request is done at once, and stays in the list for the audit. */
export const requestKinds = ['provision', 'deprovision', 'fleet'] as const;
export type RequestKind = (typeof requestKinds)[number];

export const actionKinds = [...bulkKinds, ...requestKinds] as const;
export type ActionKind = (typeof actionKinds)[number];

/**
 * An action is `planned`, then `running` until every request of the action has finished, then `done`. `cancelling` becomes `cancelled`
 * within moments. An action with a ramp becomes `halted` if too many requests of a wave fail again.
 */
export const actionStates = ['planned', 'running', 'cancelling', 'cancelled', 'halted', 'done'] as const;
export type ActionState = (typeof actionStates)[number];

const counts = z.object({
  planned: count,
  quarantined: count.describe('left out of the plan after too many failed replays'),
  requested: count.describe('requested so far (discard: processed so far)'),
  superseded: count.describe(
    'skipped: the record has another job since the plan, or a later request has replaced the request of the action',
  ),
  succeeded: count.describe(
    'of the requested items: provisioned or deprovisioned by now (discard: discarded)',
  ),
  failed: count.describe('of the requested items: failed for good again'),
  cancelled: count.describe('of the requested items: cancelled before the end'),
  underWay: count.describe('of the requested items: still in progress'),
});

/** The most failures that an action lists. */
export const mostFailures = 10;

const actionFailure = z.object({
  uuid: z.string(),
  code: z.string(),
  step: step.nullable(),
  message: z.string().nullable(),
});

/** A request of an action that failed for good again. */
export type ActionFailure = z.infer<typeof actionFailure>;

const ofPlannedSet = 'of the planned set; at most the 100 most frequent values, and the rest as "others"';

/**
 * A bulk action, or a single request. The plan of a bulk action fixes the set of items, and the running action requests each item once.
 * Actions remain as the audit.
 */
export const action = z
  .object({
    id: z.string(),
    kind: z.enum(actionKinds),
    state: z.enum(actionStates),
    by: z.string().describe('the operator who planned the action'),
    filter: z.record(z.string(), z.string()).describe('as sent with the plan'),
    reason: z.string().nullable().describe('reason of a discard'),
    revoke: z
      .boolean()
      .describe(
        'rotation: the hub stops accepting the old certificates as soon as balena shows the new ones',
      ),
    service: service
      .nullable()
      .describe(
        'replay: the service of the new requests, and null repeats each request as it was; provision and fleet: the service',
      ),
    lacking: count
      .nullable()
      .describe('of the planned devices: without that service; null without a service'),
    plannedAt: time,
    startedAt: time.nullable(),
    startedBy: z.string().nullable(),
    cancelledBy: z.string().nullable(),
    endedAt: time.nullable(),
    ratePerMinute: z
      .number()
      .positive()
      .nullable()
      .describe('items requested in a minute; null before the start if the plan has no rate'),
    ramp: z.boolean().describe('in growing waves; halted if too many items of a wave fail again'),
    limit: z.int().positive().nullable().describe('the greatest number of items to request; null: all'),
    counts,
    failures: z
      .array(actionFailure)
      .max(mostFailures)
      .describe('the first failures with code and message; empty in a list of actions'),
    byCode: z.record(z.string(), count).describe(ofPlannedSet),
    byFleet: z.record(z.string(), count).describe(ofPlannedSet),
    expectedSeconds: z
      .number()
      .nonnegative()
      .describe("duration of the whole action, at the hub's limit or at the chosen rate"),
    answer: z
      .string()
      .nullable()
      .describe(
        'provision, deprovision and fleet: the answer to the request, such as "accepted"; null for the other kinds',
      ),
    note: z.string().nullable().describe('a sentence: why the action stopped, or what the plan left out'),
  })
  .meta({ id: 'Action' });

export type Action = z.infer<typeof action>;
export type ActionCounts = Action['counts'];

export const actionPage = z
  .object({ actions: z.array(action), total: count, next })
  .meta({ id: 'ActionPage' });

export type ActionPage = z.infer<typeof actionPage>;
