import { DefaultAzureCredential } from '@azure/identity';
import { ServiceBusClient, type ServiceBusMessage } from '@azure/service-bus';
import type { ProvisioningMessage } from '../message/ProvisioningMessage.js';
import { ProvisioningError } from '../ProvisioningError.js';

export interface Envelope {
  messageId: string;
  /** Unix ms at which it becomes active; the past means at once. */
  at: number;
}

/** A letter at the head of the dead-letter queue. */
export interface DeadLetter {
  body: unknown;
  messageId: string;
  sequenceNumber: string;
  complete(): Promise<void>;
  /** Puts it back where it was. */
  release(): Promise<void>;
}

/** The provisioning queue. Every call has a deadline and throws `queue-unavailable`; the message may have been sent all the same. */
export interface Queue {
  send(message: ProvisioningMessage, envelope: Envelope): Promise<void>;
  /** Looks at the head of the dead-letter queue without locking anything. */
  peekDeadLetters(most: number): Promise<{ body: unknown; messageId: string }[]>;
  /** Locks the head of the dead-letter queue, for the queue's lock duration. */
  receiveDeadLetters(most: number): Promise<DeadLetter[]>;
  /** Is the queue there, and may we read it? */
  ping(): Promise<void>;
  close(): Promise<void>;
}

export interface QueueOptions {
  /** A connection string, or the namespace's host name with managed identity. */
  connection: { connectionString: string } | { fullyQualifiedNamespace: string };
  queue: string;
  /** How long one call may take, the client's own retries included. */
  callTimeoutMs?: number;
}

export function openQueue({ connection, queue, callTimeoutMs = 5_000 }: QueueOptions): Queue {
  const options = { retryOptions: { maxRetries: 2, retryDelayInMs: 250, timeoutInMs: callTimeoutMs } };
  const connect = () =>
    'connectionString' in connection
      ? new ServiceBusClient(connection.connectionString, options)
      : new ServiceBusClient(connection.fullyQualifiedNamespace, new DefaultAzureCredential(), options);
  const client = connect();
  const sender = client.createSender(queue);
  const head = client.createReceiver(queue, { receiveMode: 'peekLock' });
  const letters = client.createReceiver(queue, { subQueueType: 'deadLetter', receiveMode: 'peekLock' });

  return {
    send(body, { messageId, at }) {
      const message: ServiceBusMessage = {
        body,
        messageId,
        contentType: 'application/json',
        correlationId: body.requestId,
      };
      if (at > Date.now()) message.scheduledEnqueueTimeUtc = new Date(at);
      return call((abortSignal) => sender.sendMessages(message, { abortSignal }));
    },
    async peekDeadLetters(most) {
      // A client of its own: it remembers, for all its receivers, how far it has peeked, and this is to start at the head.
      const fresh = connect();
      try {
        const receiver = fresh.createReceiver(queue, { subQueueType: 'deadLetter' });
        const found = await call((abortSignal) => receiver.peekMessages(most, { abortSignal }));
        return found.map(({ body, messageId }) => ({ body, messageId: String(messageId) }));
      } finally {
        await fresh.close().catch(() => {});
      }
    },
    async receiveDeadLetters(most) {
      const received = await call((abortSignal) =>
        letters.receiveMessages(most, { maxWaitTimeInMs: Math.min(1_000, callTimeoutMs / 2), abortSignal }),
      );
      return received.map((letter) => ({
        body: letter.body,
        messageId: String(letter.messageId),
        sequenceNumber: String(letter.sequenceNumber),
        complete: () => call(() => letters.completeMessage(letter)),
        release: () => call(() => letters.abandonMessage(letter)),
      }));
    },
    async ping() {
      await call((abortSignal) => head.peekMessages(1, { abortSignal }));
    },
    close: () => call(() => client.close()).catch(() => {}),
  };

  /** Ends at the deadline in any case: settling and closing take no signal, and wait for a minute. */
  async function call<R>(run: (abortSignal: AbortSignal) => Promise<R>): Promise<R> {
    const deadline = AbortSignal.timeout(callTimeoutMs);
    const passed = new Promise<never>((_, reject) => {
      deadline.addEventListener('abort', () => reject(deadline.reason), { once: true });
    });
    try {
      return await Promise.race([run(deadline), passed]);
    } catch (error) {
      throw new ProvisioningError('queue-unavailable', `The queue cannot be reached (${reason(error)}).`, {
        retry: 'later',
        outcomeUnknown: true,
        cause: error,
      });
    }
  }
}

function reason(error: unknown): string {
  const code = (error as { code?: unknown }).code;
  return typeof code === 'string' ? code : error instanceof Error ? error.name : 'unknown';
}
