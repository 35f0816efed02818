import { z } from 'zod';
import type { OpsDependencies } from '../dependencies.js';
import { parse } from '../filter.js';
import { RequestError } from '../requestError.js';
import { sizeOf } from './action.js';
import { planIsGoodForMs } from './cleanUp.js';
import { leastRate } from './plan.js';
import { viewAction, withNote } from './read.js';
import type { Action } from './schema.js';
import { wakeUpOrNote } from './wakeUp.js';

export const startRequest = z.strictObject({
  rate: z
    .number()
    .min(leastRate)
    .max(1e6)
    .optional()
    .describe("asked for in a minute; default: that of the plan, or the hub's limit"),
  ramp: z.boolean().default(false).describe('in growing waves, and no further when too many fail again'),
  limit: z.int().positive().optional().describe('of the planned set, only so many, those that failed first'),
  by: z.string().min(1).max(100).optional().describe('who starts it, for the audit'),
});

export type StartRequest = z.input<typeof startRequest>;

/**
 * Starts a planned action. From here on it runs by itself, whatever becomes of who started it: workers carry it on.
 *
 * @throws Refused; ProvisioningError `records-unavailable`: it may have been started
 */
export async function startAction(
  deps: OpsDependencies,
  id: string,
  request: StartRequest = {},
): Promise<Action> {
  const { rate, ramp, limit, by } = parse(startRequest, request);
  const now = deps.clock.now();
  const started = await deps.actions.amend(id, (action) => {
    if (action.state !== 'planned')
      throw new RequestError(
        'ops.not-planned',
        `The action was started already: it is ${action.state}.`,
        409,
      );
    if (now - action.plannedAt > planIsGoodForMs)
      throw new RequestError('ops.plan-too-old', 'The plan is older than a day: make a new one.', 409);
    const inWaves = ramp && action.kind !== 'discard';
    const size = sizeOf({ ...action, limit: limit ?? null });
    return {
      ...action,
      state: 'running',
      startedAt: now,
      startedBy: by ?? action.by,
      ratePerMinute: rate ?? action.ratePerMinute ?? deps.operationsPerMinute,
      ramp: inWaves,
      limit: limit ?? null,
      wave: {
        from: 0,
        to: inWaves ? Math.min(firstWave, size) : size,
        startsAt: now,
        failedBefore: 0,
      },
    };
  });
  if (!started)
    throw new RequestError('ops.no-such-action', 'There is no action of this id: make a plan first.', 404);
  return withNote(viewAction(deps, started), await wakeUpOrNote(deps, id, now));
}

/** The first wave of a ramp: enough to see whether the cause is gone, few enough to be sorry for. */
const firstWave = 10;
