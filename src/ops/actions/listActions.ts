import { z } from 'zod';
import { iso } from '../../iso.js';
import { type ActionPage, actionKinds } from '../Action.js';
import { pageOf, pageQuery, readCursor } from '../cursor.js';
import { parse } from '../Filter.js';
import type { OpsTools } from '../OpsTools.js';
import { viewAction } from './viewAction.js';

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
export async function listActions(tools: OpsTools, query: ActionQuery = {}): Promise<ActionPage> {
  const { kind, order, limit, cursor } = parse(actionQuery, query);
  const found = (await tools.actions.list()).filter(
    (action) => action.startedAt !== null && (kind === undefined || action.kind === kind),
  );
  const { items, next } = pageOf(found, {
    cursorOf: ({ plannedAt, id }) => [iso(plannedAt), id],
    order,
    limit,
    from: cursor === undefined ? null : readCursor(cursor),
  });
  return { actions: items.map((action) => viewAction(tools, action)), total: found.length, next };
}
