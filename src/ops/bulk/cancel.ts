import { z } from 'zod';
import type { OpsDependencies } from '../dependencies.js';
import { parse } from '../filter.js';
import { RequestError } from '../requestError.js';
import { hasFinished } from './action.js';
import { readAction, viewAction, withNote } from './read.js';
import type { Action } from './schema.js';
import { wakeUpOrNote } from './wakeUp.js';

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
  deps: OpsDependencies,
  id: string,
  request: CancelRequest = {},
): Promise<Action> {
  const { by } = parse(cancelRequest, request);
  const found = await deps.actions.read(id);
  if (!found) throw new RequestError('ops.no-such-action', 'There is no action of this id.', 404);
  if (hasFinished(found.value))
    throw new RequestError('ops.has-ended', `The action has ended: it is ${found.value.state}.`, 409);
  const now = deps.clock.now();
  const written = await deps.actions.amend(id, (action) => {
    if (hasFinished(action)) return null;
    // Nothing was asked for yet, so there is nothing to take back.
    if (action.state === 'planned')
      return { ...action, state: 'cancelled', endedAt: now, cancelledBy: by ?? action.by };
    return { ...action, state: 'cancelling', cancelledBy: by ?? action.by };
  });
  if (written?.state !== 'cancelling') return readAction(deps, id);
  const note = await wakeUpOrNote(deps, id, now);
  // Cancelled it is, even where it cannot be told any more what has become of it so far.
  return withNote(await readAction(deps, id).catch(() => viewAction(deps, written)), note);
}
