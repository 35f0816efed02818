import { ServiceBusClient, type ServiceBusReceivedMessage } from '@azure/service-bus';
import type { Endpoints } from '../../../local/stack/Endpoints.js';

/** The queue through the unmodified SDK, as an operator sees the queue. */
export interface QueueEnd {
  /** Sends a body that the product would not send. */
  send(body: unknown, more?: { messageId?: string; contentType?: string }): Promise<void>;
  /** The messages in the queue: active, scheduled or locked. */
  messages(): Promise<ServiceBusReceivedMessage[]>;
  /** The letters about a device, or all. */
  deadLetters(uuid?: string): Promise<ServiceBusReceivedMessage[]>;
  close(): Promise<void>;
}

const most = 200;

export function queueEnd({ connectionString, queue }: NonNullable<Endpoints['serviceBus']>): QueueEnd {
  const client = new ServiceBusClient(connectionString);
  const sender = client.createSender(queue);

  /** A new client reads from the head of the queue. A client remembers for all its receivers how far the client has peeked. */
  async function peek(subQueueType?: 'deadLetter'): Promise<ServiceBusReceivedMessage[]> {
    const fresh = new ServiceBusClient(connectionString);
    try {
      return await fresh.createReceiver(queue, subQueueType ? { subQueueType } : {}).peekMessages(most);
    } finally {
      await fresh.close();
    }
  }

  return {
    send: (body, more = {}) => sender.sendMessages({ body, ...more }),
    messages: () => peek(),
    async deadLetters(uuid) {
      const deadLetters = await peek('deadLetter');
      return uuid === undefined ? deadLetters : deadLetters.filter(({ body }) => body?.uuid === uuid);
    },
    close: () => client.close(),
  };
}
