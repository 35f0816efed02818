import { z } from 'zod';
import { count, next, time } from '../../shared/schemas.js';

export const actionKinds = ['replay', 'discard', 'rotate'] as const;
export type ActionKind = (typeof actionKinds)[number];

/**
 * `planned`, then `running` until each of its devices has come to an end, then `done`. `cancelling` becomes `cancelled` within
 * moments. `halted`: a ramp that saw too many fail again.
 */
export const actionStates = ['planned', 'running', 'cancelling', 'cancelled', 'halted', 'done'] as const;
export type ActionState = (typeof actionStates)[number];

const counts = z.object({
  planned: count,
  quarantined: count.describe('left out of the plan, because they have failed again too often'),
  requested: count.describe('asked for so far (a discard: looked at)'),
  superseded: count.describe(
    'left alone: their records had moved on since the plan, or others have asked for them since',
  ),
  succeeded: count.describe('of those asked for: provisioned or deprovisioned by now (a discard: discarded)'),
  failed: count.describe('of those asked for: failed for good again'),
  cancelled: count.describe('of those asked for: cancelled before they were done'),
  underWay: count.describe('of those asked for: still under way'),
});

const ofThePlannedSet = 'of the planned set; of more than 100, the most frequent, and the rest as "others"';

/**
 * A bulk action of ops: its plan fixes the set, and running it asks for each once. What was done remains as the audit.
 */
export const action = z
  .object({
    id: z.string(),
    kind: z.enum(actionKinds),
    state: z.enum(actionStates),
    by: z.string().describe('who planned it'),
    filter: z.record(z.string(), z.string()).describe('as it was given'),
    reason: z.string().nullable().describe('of a discard'),
    revoke: z.boolean().describe('of a rotation: the hub stops to accept the old certificates at once'),
    plannedAt: time,
    startedAt: time.nullable(),
    startedBy: z.string().nullable(),
    cancelledBy: z.string().nullable(),
    endedAt: time.nullable(),
    ratePerMinute: z
      .number()
      .positive()
      .nullable()
      .describe('asked for in a minute; null before it is started'),
    ramp: z.boolean().describe('in growing waves, and no further when too many fail again'),
    limit: z.int().positive().nullable().describe('of the planned set, only so many; null: all'),
    counts,
    byCode: z.record(z.string(), count).describe(ofThePlannedSet),
    byFleet: z.record(z.string(), count).describe(ofThePlannedSet),
    expectedSeconds: z
      .number()
      .nonnegative()
      .describe("how long all of it takes: at the hub's pace, or at the rate chosen at its start"),
    note: z.string().nullable().describe('in words: why it stopped, what was left out'),
  })
  .meta({ id: 'Action' });

export type Action = z.infer<typeof action>;
export type ActionCounts = Action['counts'];

export const actionPage = z
  .object({ actions: z.array(action), total: count, next })
  .meta({ id: 'ActionPage' });

export type ActionPage = z.infer<typeof actionPage>;
