import type { EventContext, Receiver } from 'rhea';
import { BrokerError } from '../engine/BrokerError.js';
import type { Engine } from '../engine/Engine.js';
import type { Queue } from '../engine/Queue.js';
import { readMessages } from './readMessage.js';
import { accept, formatOf, refuse } from './rheaInternals.js';

/** Bytes of a message or a batch: the limit of Service Bus's standard tier. */
export const maxMessageSize = 262_144;

/** @throws BrokerError `message-too-large` */
export function checkSize(size: number): void {
  if (size <= maxMessageSize) return;
  throw new BrokerError(
    'message-too-large',
    `The received message (delivery-id:0, size:${size} bytes) exceeds the limit (${maxMessageSize} bytes) currently allowed on the link.`,
  );
}

/** Takes in what a client sends to a queue. A send is accepted once it is durable. */
export function serveProducer(receiver: Receiver, findQueue: () => Queue, engine: Engine): void {
  receiver.on('message', ({ message, delivery }: EventContext) => {
    // Left undecoded, so these are the bytes.
    const bytes = message as unknown as Buffer;
    try {
      checkSize(bytes.length);
      findQueue().send(readMessages(bytes, formatOf(delivery!)));
    } catch (error) {
      refuse(delivery!, error);
      return;
    }
    engine.journal.afterCommit((refused) => (refused ? refuse(delivery!, refused) : accept(delivery!)));
  });
}
