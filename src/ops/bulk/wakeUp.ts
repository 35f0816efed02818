import { ProvisioningError } from '../../shared/errors.js';
import type { OpsDependencies } from '../dependencies.js';
import { hasFinished } from './action.js';

/**
 * Has a worker go on with an action at a time, and nobody by an earlier message any more.
 *
 * @param at Unix ms
 * @throws ProvisioningError `records-unavailable`, `queue-unavailable`: the overdue timer does it again
 */
export async function wakeUp(
  { actions, queue }: Pick<OpsDependencies, 'actions' | 'queue'>,
  id: string,
  at: number,
): Promise<void> {
  const written = await actions.amend(id, (action) =>
    hasFinished(action) ? null : { ...action, wakeUp: { generation: action.wakeUp.generation + 1, due: at } },
  );
  if (!written) return;
  const { generation } = written.wakeUp;
  await queue.sendWakeUp({ v: 1, action: id, generation, due: at }, { messageId: `${id}.${generation}`, at });
}

/**
 * As `nudge`, for who has just written down what is to be done: from then on it is going to happen, with this message or with that
 * of the overdue timer, and is not to be reported as something that was not taken.
 *
 * @returns in words, if the message could not be sent; else null
 */
export async function wakeUpOrNote(
  deps: Pick<OpsDependencies, 'actions' | 'queue'>,
  id: string,
  at: number,
): Promise<string | null> {
  try {
    await wakeUp(deps, id, at);
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
export async function resendLostWakeUps(
  deps: Pick<OpsDependencies, 'actions' | 'queue' | 'clock'>,
): Promise<number> {
  const now = deps.clock.now();
  const lost = (await deps.actions.list()).filter(
    (action) => action.state !== 'planned' && !hasFinished(action) && now - action.wakeUp.due > lostMs,
  );
  for (const { id } of lost) await wakeUp(deps, id, now);
  return lost.length;
}
