import type { ProvisioningMessage, WakeUpMessage } from '../queue/messages.js';
import { publishCopy } from '../queue/publish.js';
import type { Queue } from '../queue/queue.js';
import type { Clock } from '../shared/time.js';
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
  { sequenceNumber }: Pick<Delivery, 'sequenceNumber'>,
): Promise<void> {
  const at = clock.now() + Math.round(leastMs * (1 + random()));
  try {
    if ('uuid' in message) return await publishCopy(queue, message, sequenceNumber, at);
    const messageId = `${message.action}.${message.generation}~${sequenceNumber}`;
    await queue.sendWakeUp({ ...message, due: at }, { messageId, at });
  } catch (error) {
    // A full queue takes no copy, but still delivers. Without this pause the message would use up its ten deliveries within moments.
    await clock.sleep(pauseBeforeThrowMs);
    throw error;
  }
}
