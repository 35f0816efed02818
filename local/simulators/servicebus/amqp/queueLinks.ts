import type { Delivery, EventContext, Receiver, Sender } from 'rhea';
import { BrokerError, notSupported } from '../engine/BrokerError.js';
import type { ReceiveMode } from '../engine/Consumer.js';
import { creditCosts } from '../engine/Credits.js';
import type { Engine } from '../engine/Engine.js';
import type { SubQueueName } from '../engine/Message.js';
import type { Queue } from '../engine/Queue.js';
import { propertiesOfDisposition, rewriteWith } from './applicationProperties.js';
import { encodeDelivery } from './encodeDelivery.js';
import { readMessages } from './readMessages.js';
import { accept, formatOf, modifiedAnnotations, reject, rejectedInfo } from './rhea/deliveries.js';
import { drainAnswerer, freeCredit } from './rhea/links.js';

/** Largest size of a message or a batch, in bytes: the limit of Service Bus's standard tier. */
export const maxMessageSize = 262_144;

/** @throws BrokerError `message-too-large` */
export function checkSize(size: number): void {
  if (size <= maxMessageSize) return;
  throw new BrokerError(
    'message-too-large',
    `The received message (delivery-id:0, size:${size} bytes) exceeds the limit (${maxMessageSize} bytes) currently allowed on the link.`,
  );
}

/** Receives messages from a client for a queue. The broker accepts a message when the message is durable. */
export function serveProducer(receiver: Receiver, findQueue: () => Queue, engine: Engine): void {
  receiver.on('message', ({ message, delivery }: EventContext) => {
    // A message may arrive after the broker has detached an idle link. The client has no answer, and sends again.
    if (!receiver.is_open()) return;
    // The link is raw, so the message is a buffer of undecoded bytes.
    const bytes = message as unknown as Buffer;
    try {
      checkSize(bytes.length);
      const queue = findQueue();
      const messages = readMessages(bytes, formatOf(delivery!));
      engine.credits.take(messages.length * creditCosts.message);
      queue.send(messages);
    } catch (error) {
      reject(delivery!, error);
      return;
    }
    engine.journal.whenDurable((error) => (error ? reject(delivery!, error) : accept(delivery!)));
  });
}

/** The settle mode of a sender that settles deliveries at sending: `receiveAndDelete`. */
const presettled = 1;

/**
 * Delivers a queue's messages to a client.
 * @param onDelivery called at every delivery
 * @returns a function that ends the consumer
 */
export function serveConsumer(
  sender: Sender,
  queue: Queue,
  part: SubQueueName,
  engine: Engine,
  onDelivery: () => void,
): () => void {
  const mode: ReceiveMode = sender.snd_settle_mode === presettled ? 'receiveAndDelete' : 'peekLock';
  const leave = queue.consume(part, {
    mode,
    credit: () => freeCredit(sender),
    deliver: (message, payload) => {
      // If the client has disconnected meanwhile, the messages become available again when their locks end.
      if (!sender.is_open()) return;
      const tag = message.lockToken === undefined ? undefined : lockTag(message.lockToken);
      sender.send(encodeDelivery(message, payload), tag, 0);
      onDelivery();
    },
    onQueueDeleted: () =>
      sender.close({
        condition: 'amqp:not-found',
        description: `The messaging entity '${queue.record.name}' was deleted.`,
      }),
  });

  sender.on('sender_flow', () => queue.requestDispatch());
  const answerDrain = drainAnswerer(sender);
  sender.on('sender_draining', () => {
    // The answer takes the credit away, so the broker first sends the messages of the current turn.
    const answerLast = () => process.nextTick(answerDrain);
    if (mode === 'peekLock') engine.journal.whenWritten(answerLast);
    else engine.journal.whenDurable(answerLast);
  });

  const settling = new WeakSet<Delivery>();
  const settle = (delivery: Delivery, act: (lockToken: string) => void) => {
    if (settling.has(delivery) || mode === 'receiveAndDelete') return;
    settling.add(delivery);
    try {
      act(lockTokenOfTag(delivery.tag as Buffer));
    } catch (error) {
      reject(delivery, error);
      return;
    }
    engine.journal.whenDurable((error) => (error ? reject(delivery, error) : accept(delivery)));
  };
  sender.on('accepted', ({ delivery }: EventContext) => settle(delivery!, (token) => queue.complete(token)));
  sender.on('released', ({ delivery }: EventContext) => settle(delivery!, (token) => queue.release(token)));
  sender.on('modified', ({ delivery }: EventContext) => {
    settle(delivery!, (token) => {
      if (delivery!.remote_state?.undeliverable_here) throw notSupported('deferring messages');
      queue.abandon(token, rewriteWith(propertiesOfDisposition(modifiedAnnotations(delivery!))));
    });
  });
  sender.on('rejected', ({ delivery }: EventContext) => {
    settle(delivery!, (token) =>
      queue.deadLetter(token, rewriteWith(propertiesOfDisposition(rejectedInfo(delivery!)))),
    );
  });
  return leave;
}

/** A lock token on a link is a .NET GUID. The first three groups of a .NET GUID are little-endian. */
const order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];

/** The delivery tag for a lock token. */
function lockTag(lockToken: string): Buffer {
  const bytes = Buffer.from(lockToken.replaceAll('-', ''), 'hex');
  return Buffer.from(order.map((at) => bytes[at]!));
}

/** The lock token for a delivery tag. */
function lockTokenOfTag(tag: Buffer): string {
  return lockTokenOf(Buffer.from(order.map((at) => tag[at] ?? 0)));
}

/** Formats a lock token of 16 bytes in the byte order of RFC 9562. Management requests use this order. */
export function lockTokenOf(bytes: Buffer): string {
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
