import * as z from 'zod';
import { parse, RequestError } from '../shared/request.js';
import { hasFinished } from './action.js';
import type { BulkDependencies } from './dependencies.js';
import { readAction, viewAction, withNote } from './read.js';
import type { Action } from './schema.js';
import { scheduleWakeUpOrNote } from './wakeUp.js';

export const cancelRequest = z.strictObject({
  by: z.string().min(1).max(100).optional().describe('the operator who cancels, for the audit'),
});

export type CancelRequest = z.input<typeof cancelRequest>;

/**
 * Cancels a planned or running action. Within moments a worker stops requesting items, and cancels the pending requests of the action. A
 * cancelled replay becomes a dead letter again. A cancelled rotation leaves the old certificate, unless a worker has begun the rotation. A
 * discarded dead letter stays discarded.
 *
 * @param id any text; an unknown id is an error
 * @throws RequestError `ops.no-such-action`, `ops.has-ended`
 * @throws ProvisioningError `records-unavailable`: the action may be cancelled nevertheless
 */
export async function cancelAction(
  deps: BulkDependencies,
  id: string,
  request: CancelRequest = {},
): Promise<Action> {
  const { by } = parse(cancelRequest, request);
  const stored = await deps.actions.read(id);
  if (!stored)
    throw new RequestError(
      'ops.no-such-action',
      'There is no action with this id. provisioner actions list shows the ids of all actions.',
      404,
    );
  if (hasFinished(stored.value))
    throw new RequestError(
      'ops.has-ended',
      `The action has already finished: its state is ${stored.value.state}.`,
      409,
    );
  const now = deps.clock.now();
  const written = await deps.actions.amend(id, (action) => {
    if (hasFinished(action)) return null;
    // A planned action has no requests to cancel.
    if (action.state === 'planned')
      return { ...action, state: 'cancelled', endedAt: now, cancelledBy: by ?? action.by };
    return { ...action, state: 'cancelling', cancelledBy: by ?? action.by };
  });
  if (written?.state !== 'cancelling') return readAction(deps, id);
  const note = await scheduleWakeUpOrNote(deps, id, now);
  // The cancellation is stored. A failure to count the outcomes must not look like a failed cancellation.
  return withNote(await readAction(deps, id).catch(() => viewAction(deps, written)), note);
}
