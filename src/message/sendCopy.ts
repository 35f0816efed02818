import type { Queue } from '../edges/queue.js';
import type { ProvisioningMessage } from './ProvisioningMessage.js';

/**
 * Puts a message off without touching its record. Its id is the message's own and where it stood in the queue: a redelivery
 * of the same message makes no second copy, and a copy can be copied.
 *
 * @param at Unix ms
 * @throws ProvisioningError `queue-unavailable`
 */
export async function sendCopy(
  queue: Queue,
  message: ProvisioningMessage,
  sequenceNumber: string,
  at: number,
): Promise<void> {
  const messageId = `${message.requestId}.${message.n}~${sequenceNumber}`;
  await queue.send({ ...message, due: at }, { messageId, at });
}
