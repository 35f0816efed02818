import type { ServiceBusMessage, ServiceBusReceivedMessage, ServiceBusReceiver } from '@azure/service-bus';
import { withDeadline } from '../shared/network.js';
import { openRenewable } from '../shared/renewable.js';
import { systemClock as clock, type EpochMs } from '../shared/time.js';
import { isWorthRepeating, mapQueueError } from './errors.js';
import type { ProvisioningMessage, WakeUpMessage } from './messages.js';
import { waitsOfWorkers, withPatience } from './patience.js';
import { createServiceBusClient, type QueueOptions } from './serviceBusClient.js';

/** The id of a message, and the time of its delivery. */
export interface Envelope {
  /** The queue drops a message whose id came before in the duplicate window. */
  messageId: string;
  /** The message becomes active at this moment, or at once if the moment has passed. */
  at: EpochMs;
}

/** A message of the dead-letter queue, read without a lock. */
export interface PeekedDeadLetter {
  body: unknown;
  sequenceNumber: string;
  /** The reason of the dead-lettering, or ''. */
  reason: string;
  description: string;
  /** The moment at which the message entered the main queue. */
  enqueuedAt: EpochMs;
}

/**
 * The provisioning queue. Every call has a deadline and throws `queue-unavailable`, or `queue-throttled` while the credits of the
 * namespace are used up. The queue may have taken the message in spite of the error.
 */
export interface Queue {
  send(message: ProvisioningMessage, envelope: Envelope): Promise<void>;
  sendWakeUp(message: WakeUpMessage, envelope: Envelope): Promise<void>;
  /** Reads the dead-letter queue from the head, without locks. */
  deadLetters(): AsyncIterable<PeekedDeadLetter>;
  /**
   * Removes messages from the dead-letter queue. The dead letters before them are locked meanwhile, and abandoned at the end.
   *
   * @param forMs after this time no further message is locked
   * @returns the number of removed messages
   */
  removeDeadLetters(sequenceNumbers: ReadonlySet<string>, forMs: number): Promise<number>;
  /** Checks that the queue exists and that we may read from the queue. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

/** The service returns at most 250 messages in one response. */
const peeksAtATime = 250;
const locksAtATime = 250;
/** The most dead letters that are locked and held in memory to reach the dead letters behind them. */
const mostHeld = 20_000;

const mostTries = 3;
const pauseBetweenTriesMs = 250;

/**
 * Opens the queue. Connections are opened with the first call.
 *
 * @throws Error if the connection string cannot be read
 */
export function openQueue({ connection, queue, callTimeoutMs = 5_000 }: QueueOptions): Queue {
  // The SDK alone would repeat a throttled call within the same second, and use up further credits.
  const options = { retryOptions: { maxRetries: 0, timeoutInMs: callTimeoutMs } };
  const connect = () => createServiceBusClient(connection, options);
  // A send may be made twice, because the queue drops the second message with the same id.
  const connections = openRenewable(
    () => {
      const client = connect();
      const receiver = client.createReceiver(queue, { receiveMode: 'peekLock' });
      return { client, receiver, sender: client.createSender(queue) };
    },
    ({ client }) => client.close(),
  );

  function sendMessage(
    body: object,
    correlationId: string,
    { messageId, at }: Envelope,
    traceparent?: string,
  ): Promise<void> {
    const message: ServiceBusMessage = { body, messageId, contentType: 'application/json', correlationId };
    // The Functions host reads this property and continues the trace.
    if (traceparent !== undefined) message.applicationProperties = { traceparent };
    if (at > Date.now()) message.scheduledEnqueueTimeUtc = new Date(at);
    return mapped(
      connections.call(callTimeoutMs, ({ sender }, abortSignal) =>
        repeated(abortSignal, () => sender.sendMessages(message, { abortSignal })),
      ),
    );
  }

  return {
    send: (message, envelope) => sendMessage(message, message.requestId, envelope, message.traceparent),
    sendWakeUp: (message, envelope) => sendMessage(message, message.action, envelope),
    async *deadLetters() {
      // A client remembers the position of its last peek for all receivers. A new client starts at the head.
      const fresh = connect();
      try {
        yield* peekAll(fresh.createReceiver(queue, { subQueueType: 'deadLetter' }), callTimeoutMs);
      } finally {
        await fresh.close().catch(() => {});
      }
    },
    async removeDeadLetters(sequenceNumbers, forMs) {
      const fresh = connect();
      try {
        const options = { subQueueType: 'deadLetter', maxAutoLockRenewalDurationInMs: 0 } as const;
        return await removeFrom(fresh.createReceiver(queue, options), sequenceNumbers, forMs, callTimeoutMs);
      } finally {
        await fresh.close().catch(() => {});
      }
    },
    async ping() {
      await mapped(
        connections.call(callTimeoutMs, ({ receiver }, abortSignal) =>
          repeated(abortSignal, () => receiver.peekMessages(1, { abortSignal })),
        ),
      );
    },
    close: () => call(callTimeoutMs, () => connections.close()).catch(() => {}),
  };
}

/** Reads a dead-letter queue from the head, without locks. */
async function* peekAll(receiver: ServiceBusReceiver, timeoutMs: number): AsyncIterable<PeekedDeadLetter> {
  // A long dead-letter queue costs the credits of several seconds.
  const patience = { clock, random: Math.random, waits: waitsOfWorkers };
  const peek = () => call(timeoutMs, (abortSignal) => receiver.peekMessages(peeksAtATime, { abortSignal }));
  for (;;) {
    const page = await withPatience(patience, peek);
    if (page.length === 0) return;
    yield* page.map((deadLetter) => ({
      body: deadLetter.body,
      sequenceNumber: String(deadLetter.sequenceNumber),
      reason: deadLetter.deadLetterReason ?? '',
      description: deadLetter.deadLetterErrorDescription ?? '',
      enqueuedAt: deadLetter.enqueuedTimeUtc?.getTime() ?? 0,
    }));
  }
}

/** Removes messages from a dead-letter queue, see `Queue.removeDeadLetters`. */
async function removeFrom(
  receiver: ServiceBusReceiver,
  sequenceNumbers: ReadonlySet<string>,
  forMs: number,
  timeoutMs: number,
): Promise<number> {
  const until = Date.now() + forMs;
  const others: ServiceBusReceivedMessage[] = [];
  let removed = 0;
  const settleAll = (deadLetters: ServiceBusReceivedMessage[], how: 'completeMessage' | 'abandonMessage') =>
    Promise.all(deadLetters.map((deadLetter) => call(timeoutMs, () => receiver[how](deadLetter))));
  try {
    while (removed < sequenceNumbers.size && others.length < mostHeld && Date.now() < until) {
      const maxWaitTimeInMs = Math.min(1_000, timeoutMs / 2);
      const batch = await call(timeoutMs, (abortSignal) =>
        receiver.receiveMessages(locksAtATime, { maxWaitTimeInMs, abortSignal }),
      );
      if (batch.length === 0) break;
      const wanted = batch.filter((deadLetter) => sequenceNumbers.has(String(deadLetter.sequenceNumber)));
      others.push(...batch.filter((deadLetter) => !wanted.includes(deadLetter)));
      await settleAll(wanted, 'completeMessage');
      removed += wanted.length;
    }
  } finally {
    // The abandoning comes last and apart from the completing. If two neighbouring messages are settled in the same tick, rhea 3.0.5
    // (the AMQP library of the SDK) gives both the outcome of the first. A message that has to stay would be lost.
    while (others.length > 0) await settleAll(others.splice(0, locksAtATime), 'abandonMessage');
  }
  return removed;
}

/** Makes a call that returns after `timeoutMs` in any case. Settling and closing ignore the signal and can take a minute. */
function call<R>(timeoutMs: number, run: (abortSignal: AbortSignal) => Promise<R>): Promise<R> {
  return mapped(withDeadline(timeoutMs, (signal) => repeated(signal, () => run(signal))));
}

/** Repeats a call up to twice, after short pauses, while the SDK takes its error for transient. */
async function repeated<R>(signal: AbortSignal, run: () => Promise<R>): Promise<R> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await run();
    } catch (error) {
      if (signal.aborted || tries >= mostTries || !isWorthRepeating(error)) throw error;
      await clock.sleep(pauseBetweenTriesMs);
    }
  }
}

/** The result of a call. @throws ProvisioningError `queue-unavailable`, `queue-throttled` */
async function mapped<R>(result: Promise<R>): Promise<R> {
  try {
    return await result;
  } catch (error) {
    throw mapQueueError(error);
  }
}
