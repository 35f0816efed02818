import { version } from '../../queue/messages.js';
import { ProvisioningError } from '../../shared/errors.js';
import type { EpochMs } from '../../shared/time.js';
import { hasFinished } from './action.js';
import type { BulkDependencies } from './dependencies.js';

/**
 * Sends a wake-up message for an action. The message carries a new generation, and workers ignore all earlier wake-up messages.
 *
 * @param at the time at which a worker continues the action
 * @throws ProvisioningError `records-unavailable`, `queue-unavailable`: the redrive timer sends the message later
 */
export async function scheduleWakeUp(
  { actions, queue }: Pick<BulkDependencies, 'actions' | 'queue'>,
  id: string,
  at: EpochMs,
): Promise<void> {
  const written = await actions.amend(id, (action) =>
    hasFinished(action) ? null : { ...action, wakeUp: { generation: action.wakeUp.generation + 1, due: at } },
  );
  if (!written) return;
  const { generation } = written.wakeUp;
  const message = { v: version, action: id, generation, due: at };
  await queue.sendWakeUp(message, { messageId: `${id}.${generation}`, at });
}

/**
 * As `scheduleWakeUp`, for a caller that has already stored a change in the action. If the message cannot be sent, the redrive timer sends
 * a new one later. The failure is therefore a note and no error.
 *
 * @returns a sentence for the operator if the message could not be sent; else null
 */
export async function scheduleWakeUpOrNote(
  deps: Pick<BulkDependencies, 'actions' | 'queue'>,
  id: string,
  at: EpochMs,
): Promise<string | null> {
  try {
    await scheduleWakeUp(deps, id, at);
    return null;
  } catch (error) {
    if (!(error instanceof ProvisioningError)) throw error;
    return `The change is stored, but no worker could be notified (${error.code}). The action continues by itself within ten minutes.`;
  }
}

/** A wake-up message that is later than this is treated as lost. The time is longer than the lock of a message and the longest turn of a worker. */
const lostMs = 300_000;

/**
 * Sends new wake-up messages for running actions with a lost message. A message is lost if a process died between writing and sending,
 * or if all deliveries of the message failed. The redrive timer calls this function.
 *
 * @returns the number of sent messages
 * @throws ProvisioningError `records-unavailable`, `queue-unavailable`
 */
export async function resendLostWakeUps(
  deps: Pick<BulkDependencies, 'actions' | 'queue' | 'clock'>,
): Promise<number> {
  const now = deps.clock.now();
  const lost = (await deps.actions.list()).filter(
    (action) => action.state !== 'planned' && !hasFinished(action) && now - action.wakeUp.due > lostMs,
  );
  for (const { id } of lost) await scheduleWakeUp(deps, id, now);
  return lost.length;
}
