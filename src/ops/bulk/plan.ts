import { randomUUIDv7 } from 'node:crypto';
import { z } from 'zod';
import { countLargest } from '../counting.js';
import type { OpsDependencies } from '../dependencies.js';
import { actionFilter, parse } from '../filter.js';
import { RequestError } from '../requestError.js';
import type { StoredAction } from './action.js';
import { type Chosen, chooseDeadLetters, chooseToRotate } from './choose.js';
import { viewAction } from './read.js';
import { type Action, actionKinds } from './schema.js';

/** Slower, and the last of a large set would have a date that cannot be written. */
export const leastRate = 0.1;

export const actionRequest = z.strictObject({
  kind: z.enum(actionKinds),
  filter: actionFilter.default({}).describe('which; all of what is named must hold'),
  rate: z
    .number()
    .min(leastRate)
    .max(1e6)
    .optional()
    .describe("asked for in a minute; default: the hub's limit"),
  reason: z.string().min(1).max(500).optional().describe('required to discard'),
  revoke: z
    .boolean()
    .default(false)
    .describe('to rotate after a leak: the hub stops to accept the old certificates at once'),
  by: z.string().min(1).max(100).optional().describe('who plans it, for the audit'),
});

export type ActionRequest = z.input<typeof actionRequest>;

/**
 * Fixes the set of a bulk action: what fails later is not in it. Nothing is done yet, see `startAction`.
 *
 * @throws Refused; ProvisioningError `records-unavailable`, `queue-unavailable`
 */
export async function planAction(deps: OpsDependencies, request: ActionRequest): Promise<Action> {
  const { kind, filter, rate, reason, revoke, by } = parse(actionRequest, request);
  if (kind === 'discard' && !reason)
    throw new RequestError('ops.no-reason', 'To discard needs a reason: it is kept with the audit.');
  const chosen: Chosen =
    kind === 'rotate' ? await chooseToRotate(deps, filter) : await chooseDeadLetters(deps, kind, filter);
  const action: StoredAction = {
    id: randomUUIDv7(),
    kind,
    state: 'planned',
    by: by ?? 'someone with the ops key',
    filter: Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined)),
    reason: reason ?? null,
    revoke: revoke && kind === 'rotate',
    plannedAt: deps.clock.now(),
    startedAt: null,
    startedBy: null,
    cancelledBy: null,
    endedAt: null,
    ratePerMinute: rate ?? null,
    ramp: false,
    limit: null,
    planned: chosen.items.length,
    quarantined: chosen.quarantined,
    byCode: countLargest(
      chosen.items.flatMap(({ code }) => code ?? []),
      (code) => code,
    ),
    byFleet: countLargest(chosen.items, ({ fleet }) => fleet ?? 'unknown'),
    note: chosen.note,
    next: 0,
    superseded: 0,
    wave: { from: 0, to: 0, startsAt: 0, failedBefore: 0 },
    counts: null,
    wakeUp: { generation: 0, due: 0 },
  };
  await deps.actions.create(
    action,
    chosen.items.map(({ item }) => item),
  );
  return viewAction(deps, action);
}
