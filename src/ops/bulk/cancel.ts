import { z } from 'zod';
import type { OpsTools } from '../dependencies.js';
import { parse } from '../filter.js';
import { Refused } from '../requestError.js';
import { ended } from './action.js';
import { readAction, viewAction, withNote } from './read.js';
import type { Action } from './schema.js';
import { nudgeOrNote } from './wakeUp.js';

export const cancelRequest = z.strictObject({
  by: z.string().min(1).max(100).optional().describe('who cancels it, for the audit'),
});

export type CancelRequest = z.input<typeof cancelRequest>;

/**
 * Cancels an action: nothing more is asked for, and what was asked for and is not done yet is given up again, each with its
 * dead letter. A worker does it, within moments. One that has ended stays as it is.
 *
 * @throws Refused; ProvisioningError `records-unavailable`: it may be cancelled all the same
 */
export async function cancelAction(
  tools: OpsTools,
  id: string,
  request: CancelRequest = {},
): Promise<Action> {
  const { by } = parse(cancelRequest, request);
  const found = await tools.actions.read(id);
  if (!found) throw new Refused('ops.no-such-action', 'There is no action of this id.', 404);
  if (ended(found.value))
    throw new Refused('ops.has-ended', `The action has ended: it is ${found.value.state}.`, 409);
  const now = tools.clock.now();
  const written = await tools.actions.amend(id, (action) => {
    if (ended(action)) return null;
    // Nothing was asked for yet, so there is nothing to take back.
    if (action.state === 'planned')
      return { ...action, state: 'cancelled', endedAt: now, cancelledBy: by ?? action.by };
    return { ...action, state: 'cancelling', cancelledBy: by ?? action.by };
  });
  if (written?.state !== 'cancelling') return readAction(tools, id);
  const note = await nudgeOrNote(tools, id, now);
  // Cancelled it is, even where it cannot be told any more what has become of it so far.
  return withNote(await readAction(tools, id).catch(() => viewAction(tools, written)), note);
}
