import type { NewerMessage, ProvisioningMessage, WakeUpMessage } from '../queue/messages.js';
import { publishCopy } from '../queue/publish.js';
import type { Queue } from '../queue/queue.js';
import type { Clock, EpochMs } from '../shared/time.js';
import type { Delivery } from './dependencies.js';

const leastMs = 60_000;
const pauseBeforeThrowMs = 5_000;

/**
 * Puts a message off that no worker can handle now, because the app has no right settings. A copy is scheduled for one to two minutes
 * later, and the host completes the message. The message therefore never uses up its deliveries, however long the settings stay wrong.
 *
 * @throws ProvisioningError `queue-unavailable`
 */
export async function putOff(
  { queue, clock, random }: { queue: Queue; clock: Clock; random: () => number },
  message: ProvisioningMessage | WakeUpMessage,
  delivery: Pick<Delivery, 'sequenceNumber' | 'enqueuedAt'>,
): Promise<void> {
  await copyLater({ clock, random }, (at) => {
    if ('uuid' in message) return publishCopy(queue, message, delivery, at);
    const messageId = `${message.action}.${message.generation}~${delivery.sequenceNumber}`;
    return queue.sendWakeUp({ ...message, due: at }, { messageId, at });
  });
}

/**
 * Puts a message back that a newer version of this program has sent. During a deployment, workers of two versions take messages from one queue.
 * The copy has the same content, so that a worker of the newer version can process the copy.
 *
 * @throws ProvisioningError `queue-unavailable`
 */
export async function putBack(
  { queue, clock, random }: { queue: Queue; clock: Clock; random: () => number },
  { content }: NewerMessage,
  { sequenceNumber }: Pick<Delivery, 'sequenceNumber'>,
): Promise<void> {
  await copyLater({ clock, random }, (at) =>
    // Only the newer version knows the fields. The queue takes every content.
    queue.send(content as ProvisioningMessage, { messageId: `newer~${sequenceNumber}`, at }),
  );
}

async function copyLater(
  { clock, random }: { clock: Clock; random: () => number },
  copy: (at: EpochMs) => Promise<void>,
): Promise<void> {
  try {
    await copy(clock.now() + Math.round(leastMs * (1 + random())));
  } catch (error) {
    // A full queue takes no copy, but still delivers. Without this pause the message would use up its ten deliveries within moments.
    await clock.sleep(pauseBeforeThrowMs);
    throw error;
  }
}
