import { ServiceBusClient, type ServiceBusReceivedMessage } from '@azure/service-bus';
import type { Endpoints } from '../../../local/stack/Endpoints.js';

/** The queue, as an operator with the unmodified SDK sees it. */
export interface QueueEnd {
  /** Puts a body into the queue that the product would not. */
  send(body: unknown, more?: { messageId?: string; contentType?: string }): Promise<void>;
  /** What is in the queue: active, scheduled or locked. */
  messages(): Promise<ServiceBusReceivedMessage[]>;
  /** The letters about a device, or all. */
  deadLetters(uuid?: string): Promise<ServiceBusReceivedMessage[]>;
  close(): Promise<void>;
}

const most = 200;

export function queueEnd({ connectionString, queue }: NonNullable<Endpoints['serviceBus']>): QueueEnd {
  const client = new ServiceBusClient(connectionString);
  const sender = client.createSender(queue);

  /** From the head, with a client of its own: it remembers, for all its receivers, how far it has peeked. */
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
