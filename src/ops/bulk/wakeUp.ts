import { ProvisioningError } from '../../shared/errors.js';
import type { OpsTools } from '../dependencies.js';
import { ended } from './action.js';

/**
 * Has a worker go on with an action at a time, and nobody by an earlier message any more.
 *
 * @param at Unix ms
 * @throws ProvisioningError `records-unavailable`, `queue-unavailable`: the overdue timer does it again
 */
export async function nudge(
  { actions, queue }: Pick<OpsTools, 'actions' | 'queue'>,
  id: string,
  at: number,
): Promise<void> {
  const written = await actions.amend(id, (action) =>
    ended(action) ? null : { ...action, nudge: { n: action.nudge.n + 1, due: at } },
  );
  if (!written) return;
  const { n } = written.nudge;
  await queue.sendAction({ v: 1, action: id, n, due: at }, { messageId: `${id}.${n}`, at });
}

/**
 * As `nudge`, for who has just written down what is to be done: from then on it is going to happen, with this message or with that
 * of the overdue timer, and is not to be reported as something that was not taken.
 *
 * @returns in words, if the message could not be sent; else null
 */
export async function nudgeOrNote(
  tools: Pick<OpsTools, 'actions' | 'queue'>,
  id: string,
  at: number,
): Promise<string | null> {
  try {
    await nudge(tools, id, at);
    return null;
  } catch (error) {
    if (!(error instanceof ProvisioningError)) throw error;
    return `Written down, but no worker could be told (${error.code}): it goes on by itself within ten minutes.`;
  }
}

/** How late a nudge must be to be taken for lost: longer than a worker's message is locked, and its turn takes. */
const lostMs = 300_000;

/**
 * Nudges again the running actions whose message was lost: a process died between the writing and the sending, or its
 * deliveries were spent. The overdue timer calls it.
 *
 * @returns how many
 */
export async function nudgeLost(tools: Pick<OpsTools, 'actions' | 'queue' | 'clock'>): Promise<number> {
  const now = tools.clock.now();
  const lost = (await tools.actions.list()).filter(
    (action) => action.state !== 'planned' && !ended(action) && now - action.nudge.due > lostMs,
  );
  for (const { id } of lost) await nudge(tools, id, now);
  return lost.length;
}
