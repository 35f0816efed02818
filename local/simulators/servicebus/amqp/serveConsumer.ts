import type { Delivery, EventContext, Sender } from 'rhea';
import type { ReceiveMode } from '../engine/Consumer.js';
import type { Engine } from '../engine/Engine.js';
import type { Part, Queue } from '../engine/Queue.js';
import { encodeDelivery } from './encodeDelivery.js';
import { notSupported } from './findQueue.js';
import { lockTag, lockTokenOfTag } from './lockTag.js';
import { accept, drainAnswerer, freeCredit, refuse } from './rheaInternals.js';
import { type Properties, withProperties } from './withProperties.js';

/** A sender whose deliveries are settled by it when they are sent: `receiveAndDelete`. */
const presettled = 1;

/** Hands a queue's messages to a client that receives. @returns ends it */
export function serveConsumer(sender: Sender, queue: Queue, part: Part, engine: Engine): () => void {
  const mode: ReceiveMode = sender.snd_settle_mode === presettled ? 'receiveAndDelete' : 'peekLock';
  const leave = queue.consume(part, {
    mode,
    credit: () => freeCredit(sender),
    deliver: (message, payload) => {
      // The client may have gone since; what it holds comes back when the lock ends.
      if (!sender.is_open()) return;
      const tag = message.lockToken === undefined ? undefined : lockTag(message.lockToken);
      sender.send(encodeDelivery(message, payload), tag, 0);
    },
    ended: () =>
      sender.close({
        condition: 'amqp:not-found',
        description: `The messaging entity '${queue.record.name}' was deleted.`,
      }),
  });

  sender.on('sender_flow', () => queue.wake());
  const answerDrain = drainAnswerer(sender);
  sender.on('sender_draining', () => {
    // What this turn still hands out is sent before the answer, which takes the credit away.
    const answerLast = () => process.nextTick(answerDrain);
    if (mode === 'peekLock') engine.journal.afterWrite(answerLast);
    else engine.journal.afterCommit(answerLast);
  });

  const settling = new WeakSet<Delivery>();
  const settle = (delivery: Delivery, act: (lockToken: string) => void) => {
    if (settling.has(delivery) || mode === 'receiveAndDelete') return;
    settling.add(delivery);
    try {
      act(lockTokenOfTag(delivery.tag as Buffer));
    } catch (error) {
      refuse(delivery, error);
      return;
    }
    engine.journal.afterCommit((refused) => (refused ? refuse(delivery, refused) : accept(delivery)));
  };
  sender.on('accepted', ({ delivery }: EventContext) => settle(delivery!, (token) => queue.complete(token)));
  sender.on('released', ({ delivery }: EventContext) => settle(delivery!, (token) => queue.abandon(token)));
  sender.on('modified', ({ delivery }: EventContext) => {
    settle(delivery!, (token) => {
      if (delivery!.remote_state?.undeliverable_here) throw notSupported('deferring messages');
      queue.abandon(token, rewriteWith(delivery!.remote_state?.message_annotations));
    });
  });
  sender.on('rejected', ({ delivery }: EventContext) => {
    settle(delivery!, (token) => queue.deadLetter(token, rewriteWith(delivery!.remote_state?.error?.info)));
  });
  return leave;
}

/** Changes that come with a settlement become application properties. */
export function rewriteWith(
  changes: Properties | null | undefined,
): ((payload: Buffer) => Buffer) | undefined {
  const given = Object.entries(changes ?? {}).filter(([, value]) => value !== null && value !== undefined);
  return given.length > 0 ? (payload) => withProperties(payload, Object.fromEntries(given)) : undefined;
}
