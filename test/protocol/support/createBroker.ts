import type { ProvisioningMessage, WakeUpMessage } from '../../../src/queue/messages.js';
import type { World } from './createWorld.js';

export interface Message {
  body: ProvisioningMessage | WakeUpMessage;
  messageId: string;
  sequenceNumber: number;
  /** The time at which the message becomes active. */
  enqueuedAt: number;
  /** Peek-lock: the receiver, and the end of the lock. */
  lock: { token: number; until: number } | null;
  deliveries: number;
  /** The worker's reason for the dead letter; null: the broker dead-lettered the message. */
  reason: string | null;
}

/** The lock is as long as the lease (W + G): no renewal of the lock is necessary. */
export const queueProperties = { lockMs: 120_000, duplicateWindowMs: 600_000, maxDeliveryCount: 10 };

/** The device of a message; empty for a wake-up message of a bulk action. */
export function uuidOf(body: Message['body']): string {
  return 'uuid' in body ? body.uuid : '';
}

export type Broker = ReturnType<typeof createBroker>;

/** The queue and its dead-letter queue, as Service Bus keeps them. */
export function createBroker(world: World) {
  const { lockMs, duplicateWindowMs, maxDeliveryCount } = queueProperties;
  const seen = new Map<string, number>();
  let active: Message[] = [];
  let dead: Message[] = [];
  let last = 0;
  let sends = 0;
  let heldUpUntil = 0;

  const locked = ({ lock }: Message) => lock !== null && lock.until > world.now;
  const held = (message: Message, token: number) => message.lock?.token === token && locked(message);
  const nextNumber = () => {
    last += 1;
    return last;
  };

  return {
    /** The number of messages until now, without dropped duplicates. */
    sends: () => sends,
    /** Takes a message, unless the id was seen within the duplicate window. */
    put(body: Message['body'], messageId: string, at: number) {
      const seenAt = seen.get(messageId);
      if (seenAt !== undefined && world.now - seenAt < duplicateWindowMs) {
        world.note(uuidOf(body), 'dropped as a duplicate', messageId);
        return;
      }
      seen.set(messageId, world.now);
      sends += 1;
      const enqueuedAt = Math.max(at, world.now);
      active.push({
        body: { ...body },
        messageId,
        sequenceNumber: nextNumber(),
        enqueuedAt,
        lock: null,
        deliveries: 0,
        reason: null,
      });
      world.note(uuidOf(body), 'sent', messageId, `in ${(enqueuedAt - world.now) / 1_000} s`);
    },
    /** Messages for delivery now. After too many deliveries the broker dead-letters a message. */
    ready(): Message[] {
      const spent = active.filter((one) => one.deliveries >= maxDeliveryCount && !locked(one));
      for (const message of spent) {
        world.note(uuidOf(message.body), 'dead-lettered by the broker', message.messageId);
        dead.push({ ...message, lock: null });
      }
      if (spent.length > 0) active = active.filter((one) => !spent.includes(one));
      if (heldUpUntil > world.now) return [];
      return active.filter((one) => one.enqueuedAt <= world.now && !locked(one));
    },
    /** The next time at which a message becomes active. */
    nextAt: () =>
      active.reduce((soonest, { enqueuedAt, lock }) => {
        const at = Math.max(enqueuedAt, lock?.until ?? 0, heldUpUntil);
        return at > world.now ? Math.min(soonest, at) : soonest;
      }, Number.POSITIVE_INFINITY),
    lock(message: Message): number {
      const token = nextNumber();
      message.lock = { token, until: world.now + lockMs };
      message.deliveries += 1;
      return token;
    },
    complete(message: Message, token: number) {
      if (!held(message, token)) return;
      active = active.filter((one) => one !== message);
      world.note(uuidOf(message.body), 'completed', message.messageId);
    },
    abandon(message: Message, token: number) {
      if (!held(message, token)) return;
      message.lock = null;
      world.note(uuidOf(message.body), 'abandoned', message.messageId);
    },
    deadLetter(message: Message, token: number, reason: string) {
      if (!held(message, token)) return;
      active = active.filter((one) => one !== message);
      dead.push({ ...message, lock: null, reason });
      world.note(uuidOf(message.body), 'dead-lettered', message.messageId, reason);
    },
    deadLetters: (): readonly Message[] => dead,
    lockDeadLetters(): { deadLetter: Message; token: number }[] {
      const free = dead.filter((one) => !locked(one));
      return free.map((deadLetter) => ({ deadLetter, token: lockDeadLetter(deadLetter) }));
    },
    completeDeadLetter(deadLetter: Message, token: number) {
      if (!held(deadLetter, token)) return;
      dead = dead.filter((one) => one !== deadLetter);
      world.note(uuidOf(deadLetter.body), 'superseded letter cleaned', deadLetter.messageId);
    },
    releaseDeadLetter(deadLetter: Message, token: number) {
      if (held(deadLetter, token)) deadLetter.lock = null;
    },
    /**
     * An operator resends a device's oldest dead letter with another tool. Some tools keep the message id, and the queue drops such a message within the
     * duplicate window. Other tools give the message a new id, or none. Every tool keeps the body, and none keeps the scheduled time.
     *
     * @returns null if there is no such dead letter
     */
    resendByHand(uuid: string, keepsId: boolean): Message | null {
      const isFree = ({ messageId }: Message) =>
        !keepsId || world.now - (seen.get(messageId) ?? 0) >= duplicateWindowMs;
      const deadLetter = dead.find((one) => uuidOf(one.body) === uuid && !locked(one) && isFree(one));
      if (!deadLetter) return null;
      dead = dead.filter((one) => one !== deadLetter);
      const sequenceNumber = nextNumber();
      const messageId = keepsId ? deadLetter.messageId : `by hand ${sequenceNumber}`;
      seen.set(messageId, world.now);
      const state = { enqueuedAt: world.now, lock: null, deliveries: 0, reason: null };
      active.push({ ...deadLetter, ...state, sequenceNumber, messageId });
      world.note(uuid, 'sent again by hand', deadLetter.messageId);
      return deadLetter;
    },
    /** Is the queue empty, apart from messages of this device and of bulk actions? */
    isEmpty: (but: string | null) =>
      active.every(({ body }) => but !== null && [but, ''].includes(uuidOf(body))),
    /** All messages are lost. */
    loseAll(andItsMemory: boolean) {
      active = [];
      if (andItsMemory) seen.clear();
    },
    /** A backlog of other messages delays all deliveries until this time. */
    holdUp(until: number) {
      heldUpUntil = until;
    },
  };

  function lockDeadLetter(deadLetter: Message): number {
    const token = nextNumber();
    deadLetter.lock = { token, until: world.now + lockMs };
    return token;
  }
}
