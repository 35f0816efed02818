import { randomUUIDv7 } from 'node:crypto';
import * as z from 'zod';
import { serviceName } from '../../shared/schemas.js';
import { countLargest } from '../shared/counting.js';
import { parse, RequestError } from '../shared/request.js';
import { emptyAction, type StoredAction, unnamedOperator } from './action.js';
import { checkService } from './checkService.js';
import { type ChosenSet, chooseDeadLetters, chooseToRotate } from './choose.js';
import type { BulkDependencies } from './dependencies.js';
import { actionFilter } from './filter.js';
import { viewAction } from './read.js';
import { type Action, bulkKinds } from './schema.js';

/** At a lower rate, the due time of the last item of a large set would be outside the range of Date. */
export const leastRate = 0.1;

export const actionRequest = z.strictObject({
  kind: z.enum(bulkKinds),
  filter: actionFilter.default({}).describe('selects the items; an item must match every field'),
  rate: z
    .number()
    .min(leastRate)
    .max(1e6)
    .optional()
    .describe("items requested in a minute; default: the hub's limit"),
  reason: z.string().min(1).max(500).optional().describe('required for a discard'),
  revoke: z
    .boolean()
    .default(false)
    .describe(
      'rotation after a leak: the hub stops accepting the old certificates as soon as balena shows the new ones',
    ),
  service: serviceName
    .optional()
    .describe(
      "replay: request this service instead of the failed one ('' for the device level); refused if no fleet of the requests has the service",
    ),
  by: z.string().min(1).max(100).optional().describe('the operator who plans, for the audit'),
});

export type ActionRequest = z.input<typeof actionRequest>;

/**
 * Plans a bulk action: stores the action with the set of items that match the filter now. Requests failing later are not part of the
 * set. The action does nothing before `startAction`.
 *
 * @throws RequestError `ops.bad-request`, `ops.bad-filter`, `ops.unknown-…`, `ops.no-reason`, `ops.no-such-service`
 * @throws ProvisioningError `records-unavailable`, `queue-unavailable`; with a service `balena-…`, `timed-out`
 */
export async function planAction(deps: BulkDependencies, request: ActionRequest): Promise<Action> {
  const { kind, filter, rate, reason, revoke, service, by } = parse(actionRequest, request);
  if (kind === 'discard' && !reason)
    throw new RequestError('ops.no-reason', 'A discard needs a reason, for the audit.');
  if (service !== undefined && kind !== 'replay')
    throw new RequestError('ops.bad-request', 'Only a replay can have another service.');
  const chosen: ChosenSet =
    kind === 'rotate'
      ? await chooseToRotate(deps, filter, revoke)
      : await chooseDeadLetters(deps, kind, filter, service !== undefined);
  const found = service === undefined ? null : await checkService(deps, service, chosen);
  const action: StoredAction = {
    ...emptyAction,
    id: randomUUIDv7(),
    kind,
    state: 'planned',
    by: by ?? unnamedOperator,
    filter: Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined)),
    reason: reason ?? null,
    revoke: revoke && kind === 'rotate',
    service: service ?? null,
    lacking: found?.lacking ?? null,
    plannedAt: deps.clock.now(),
    ratePerMinute: rate ?? null,
    planned: chosen.items.length,
    quarantined: chosen.quarantined,
    byCode: countLargest(
      chosen.items.flatMap(({ code }) => code ?? []),
      (code) => code,
    ),
    byFleet: countLargest(chosen.items, ({ fleet }) => fleet ?? 'unknown'),
    note: [chosen.note, found?.note].filter(Boolean).join(' ') || null,
  };
  await deps.actions.create(
    action,
    chosen.items.map(({ item }) => item),
  );
  return viewAction(deps, action);
}
