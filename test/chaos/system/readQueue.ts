import { ServiceBusClient, type ServiceBusReceivedMessage } from '@azure/service-bus';
import type { DeadLetter } from '../check/Evidence.js';

/**
 * All messages of the queue and the dead-letter queue, scheduled and locked messages included. Nothing is locked or removed.
 */
export interface QueueContents {
  /** Each as text. */
  messages: string[];
  deadLetters: DeadLetter[];
  /** Each dead letter as text. */
  deadLetterTexts: string[];
}

const page = 200;

export async function readQueue(connectionString: string, queue: string): Promise<QueueContents> {
  const [messages, deadLetters] = await Promise.all([
    peekAll(connectionString, queue),
    peekAll(connectionString, queue, { subQueueType: 'deadLetter' }),
  ]);
  return {
    messages: messages.map(textOf),
    deadLetters: deadLetters.map(deadLetterOf),
    deadLetterTexts: deadLetters.map(textOf),
  };
}

/** A new client reads from the head of the queue. A client remembers for all its receivers how far the client has peeked. */
async function peekAll(
  connectionString: string,
  queue: string,
  options: { subQueueType?: 'deadLetter' } = {},
) {
  const client = new ServiceBusClient(connectionString, {
    retryOptions: { maxRetries: 0, timeoutInMs: 60_000 },
  });
  try {
    const receiver = client.createReceiver(queue, options);
    const found: ServiceBusReceivedMessage[] = [];
    for (;;) {
      const more = await receiver.peekMessages(page);
      if (more.length === 0) return found;
      found.push(...more);
    }
  } finally {
    await client.close();
  }
}

function deadLetterOf({ body, deadLetterReason = '' }: ServiceBusReceivedMessage): DeadLetter {
  return { uuid: String(body?.uuid), requestId: String(body?.requestId), reason: deadLetterReason };
}

function textOf(message: ServiceBusReceivedMessage): string {
  const {
    messageId,
    body,
    applicationProperties,
    deadLetterReason,
    deadLetterErrorDescription,
    deliveryCount,
  } = message;
  const { state, scheduledEnqueueTimeUtc } = message;
  return JSON.stringify({
    messageId,
    body,
    applicationProperties,
    deadLetterReason,
    deadLetterErrorDescription,
    deliveryCount,
    state,
    scheduledEnqueueTimeUtc,
  });
}
