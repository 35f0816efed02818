import * as z from 'zod';
import { parse, RequestError } from '../shared/request.js';
import { sizeOf } from './action.js';
import { planValidMs } from './cleanUp.js';
import type { BulkDependencies } from './dependencies.js';
import { leastRate } from './plan.js';
import { viewAction, withNote } from './read.js';
import type { Action } from './schema.js';
import { scheduleWakeUpOrNote } from './wakeUp.js';

export const startRequest = z.strictObject({
  rate: z
    .number()
    .min(leastRate)
    .max(1e6)
    .optional()
    .describe("items requested in a minute; default: the rate of the plan, or the hub's limit"),
  ramp: z
    .boolean()
    .default(false)
    .describe('in growing waves; halted if too many items of a wave fail again'),
  limit: z
    .int()
    .positive()
    .optional()
    .describe('the greatest number of items to request; the oldest failures are first'),
  by: z.string().min(1).max(100).optional().describe('the operator who starts, for the audit'),
});

/** Items in the first wave of a ramp: enough to see whether the cause is fixed, and few enough to fail. */
const firstWave = 10;

export type StartRequest = z.input<typeof startRequest>;

/**
 * Starts a planned action. Workers then carry the action on, independently of the caller.
 *
 * @throws RequestError `ops.bad-request`, `ops.no-such-action`, `ops.not-planned`, `ops.plan-too-old`
 * @throws ProvisioningError `records-unavailable`: the action may have been started nevertheless
 */
export async function startAction(
  deps: BulkDependencies,
  id: string,
  request: StartRequest = {},
): Promise<Action> {
  const { rate, ramp, limit, by } = parse(startRequest, request);
  const now = deps.clock.now();
  const started = await deps.actions.amend(id, (action) => {
    if (action.state !== 'planned')
      throw new RequestError(
        'ops.not-planned',
        `The action was already started: its state is ${action.state}.`,
        409,
      );
    if (now - action.plannedAt > planValidMs)
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
    throw new RequestError(
      'ops.no-such-action',
      'There is no action with this id. Make a plan first: provisioner dead-letters plan.',
      404,
    );
  return withNote(viewAction(deps, started), await scheduleWakeUpOrNote(deps, id, now));
}
