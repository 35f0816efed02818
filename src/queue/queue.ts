import { DefaultAzureCredential } from '@azure/identity';
import { ServiceBusClient, type ServiceBusMessage, type ServiceBusReceivedMessage } from '@azure/service-bus';
import { ProvisioningError } from '../shared/errors.js';
import type { ProvisioningMessage, WakeUpMessage } from './messages.js';

export interface Envelope {
  messageId: string;
  /** Unix ms at which it becomes active; the past means at once. */
  at: number;
}

/** A letter in the dead-letter queue, as it was looked at. */
export interface PeekedDeadLetter {
  body: unknown;
  sequenceNumber: string;
  /** With which it was dead-lettered; '' if none was given. */
  reason: string;
  description: string;
  /** Unix ms at which it came into the queue that it was dead-lettered from. */
  enqueuedAt: number;
}

/** The provisioning queue. Every call has a deadline and throws `queue-unavailable`; the message may have been sent all the same. */
export interface Queue {
  send(message: ProvisioningMessage, envelope: Envelope): Promise<void>;
  sendWakeUp(message: WakeUpMessage, envelope: Envelope): Promise<void>;
  /** Looks at the letters in the dead-letter queue from its head, without locking any. */
  deadLetters(): AsyncIterable<PeekedDeadLetter>;
  /**
   * Removes letters from the dead-letter queue. Those that lie before them are locked for that long, and put back.
   *
   * @param forMs after this no more are locked
   * @returns how many were removed
   */
  removeDeadLetters(sequenceNumbers: ReadonlySet<string>, forMs: number): Promise<number>;
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

/** The service returns no more in one answer. */
const peeksAtATime = 250;
const locksAtATime = 250;
/** Letters that are locked, and held in memory, to reach those behind them. */
const mostHeld = 20_000;

export function openQueue({ connection, queue, callTimeoutMs = 5_000 }: QueueOptions): Queue {
  const options = { retryOptions: { maxRetries: 2, retryDelayInMs: 250, timeoutInMs: callTimeoutMs } };
  const connect = () =>
    'connectionString' in connection
      ? new ServiceBusClient(connection.connectionString, options)
      : new ServiceBusClient(connection.fullyQualifiedNamespace, new DefaultAzureCredential(), options);
  const client = connect();
  const sender = client.createSender(queue);
  const head = client.createReceiver(queue, { receiveMode: 'peekLock' });

  function put(
    body: object,
    correlationId: string,
    { messageId, at }: Envelope,
    traceparent?: string,
  ): Promise<void> {
    const message: ServiceBusMessage = { body, messageId, contentType: 'application/json', correlationId };
    // Where the Functions host looks for it: its spans are of the same trace then.
    if (traceparent !== undefined) message.applicationProperties = { traceparent };
    if (at > Date.now()) message.scheduledEnqueueTimeUtc = new Date(at);
    return call((abortSignal) => sender.sendMessages(message, { abortSignal }));
  }

  return {
    send: (message, envelope) => put(message, message.requestId, envelope, message.traceparent),
    sendWakeUp: (message, envelope) => put(message, message.action, envelope),
    async *deadLetters() {
      // A client of its own: one remembers, for all its receivers, how far it has peeked, and this is to start at the head.
      const fresh = connect();
      try {
        const receiver = fresh.createReceiver(queue, { subQueueType: 'deadLetter' });
        for (;;) {
          const page = await call((abortSignal) => receiver.peekMessages(peeksAtATime, { abortSignal }));
          if (page.length === 0) return;
          yield* page.map((deadLetter) => ({
            body: deadLetter.body,
            sequenceNumber: String(deadLetter.sequenceNumber),
            reason: deadLetter.deadLetterReason ?? '',
            description: deadLetter.deadLetterErrorDescription ?? '',
            enqueuedAt: deadLetter.enqueuedTimeUtc?.getTime() ?? 0,
          }));
        }
      } finally {
        await fresh.close().catch(() => {});
      }
    },
    async removeDeadLetters(sequenceNumbers, forMs) {
      const until = Date.now() + forMs;
      const fresh = connect();
      const others: ServiceBusReceivedMessage[] = [];
      let removed = 0;
      try {
        const receiver = fresh.createReceiver(queue, {
          subQueueType: 'deadLetter',
          maxAutoLockRenewalDurationInMs: 0,
        });
        const settleAll = (
          deadLetters: ServiceBusReceivedMessage[],
          how: 'completeMessage' | 'abandonMessage',
        ) => Promise.all(deadLetters.map((deadLetter) => call(() => receiver[how](deadLetter))));
        try {
          while (removed < sequenceNumbers.size && others.length < mostHeld && Date.now() < until) {
            const batch = await call((abortSignal) =>
              receiver.receiveMessages(locksAtATime, {
                maxWaitTimeInMs: Math.min(1_000, callTimeoutMs / 2),
                abortSignal,
              }),
            );
            if (batch.length === 0) break;
            const wanted = batch.filter((deadLetter) =>
              sequenceNumbers.has(String(deadLetter.sequenceNumber)),
            );
            others.push(...batch.filter((deadLetter) => !wanted.includes(deadLetter)));
            await settleAll(wanted, 'completeMessage');
            removed += wanted.length;
          }
        } finally {
          // Only now, and apart: two neighbours that are settled in the same tick both get the outcome of the first (rhea 3.0.5, which
          // the Service Bus SDK uses), and a letter that is to stay would be gone.
          while (others.length > 0) await settleAll(others.splice(0, locksAtATime), 'abandonMessage');
        }
      } finally {
        await fresh.close().catch(() => {});
      }
      return removed;
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
