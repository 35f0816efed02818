import { randomUUID } from 'node:crypto';
import type { QueueRecord } from '../store/MessageStore.js';
import { BrokerError } from './BrokerError.js';
import { type Consumer, Consumers } from './Consumer.js';
import type { QueueDependencies } from './dependencies.js';
import { Intake } from './Intake.js';
import type { Message, NewMessage } from './Message.js';
import { MessageTable } from './MessageTable.js';
import { Redelivery } from './Redelivery.js';

/** The queue proper, or its dead-letter queue. */
export type SubQueueName = 'main' | 'dead';

/** Gives a message's payload other properties. */
export type Rewrite = (payload: Buffer) => Buffer;

/**
 * One queue with its dead letters. Every method takes effect at once for what is called after it, and is durable when the
 * journal has committed; nobody outside is to hear of it earlier.
 */
export class Queue {
  readonly record: QueueRecord;
  readonly messages: MessageTable;
  /** When it was last sent to or received from, milliseconds since 1970. */
  accessedAt: number;
  #isRemoved = false;
  readonly #parts: QueueDependencies;
  readonly #consumers = { main: new Consumers(), dead: new Consumers() };
  readonly #intake: Intake;
  readonly #redelivery: Redelivery;

  constructor(record: QueueRecord, parts: QueueDependencies) {
    this.record = record;
    this.#parts = parts;
    this.accessedAt = record.updatedAt;
    this.messages = new MessageTable(parts.journal, parts.store, () => parts.requestDispatch(this));
    this.#intake = new Intake(record, this.messages, parts);
    this.#redelivery = new Redelivery(record, this.messages, parts.deadLetterPayload);
  }

  /** Takes over what a store has kept. */
  restore(messages: Omit<Message, 'index'>[], history: [messageId: string, until: number][]): void {
    this.messages.restore(messages);
    this.#intake.restore(history);
  }

  /**
   * Accepts all of these messages, or none. Duplicates are accepted too, but go nowhere.
   * @returns their sequence numbers
   * @throws BrokerError `quota-exceeded`
   */
  send(messages: NewMessage[]): number[] {
    return this.#intake.send(messages, this.#touchAccess());
  }

  /**
   * Takes back scheduled messages: all, or none.
   * @throws BrokerError `message-not-found`
   */
  cancel(sequenceNumbers: number[]): void {
    this.#intake.cancel(sequenceNumbers);
  }

  /** @throws BrokerError `lock-lost` */
  complete(lockToken: string): void {
    this.messages.change(this.#lockedBy(lockToken), { state: 'gone' });
  }

  /**
   * Gives the message back, as a failed delivery.
   * @throws BrokerError `lock-lost`
   */
  abandon(lockToken: string, rewrite?: Rewrite): void {
    this.#redelivery.failDelivery(this.#lockedBy(lockToken), rewrite);
  }

  /** @throws BrokerError `lock-lost`; `not-allowed` for a message that is a dead letter already */
  deadLetter(lockToken: string, rewrite?: Rewrite): void {
    this.#redelivery.deadLetter(this.#lockedBy(lockToken), rewrite);
  }

  /**
   * @returns until when the message is locked now, milliseconds since 1970
   * @throws BrokerError `lock-lost`
   */
  renew(lockToken: string): number {
    const message = this.#lockedBy(lockToken);
    const lockedUntil = this.#parts.clock.now() + this.record.properties.lockDurationMs;
    this.messages.change(message, { lockedUntil });
    return lockedUntil;
  }

  /** Messages in any state, from this sequence number on, with their payloads. */
  *peek(part: SubQueueName, fromSequenceNumber: number): Generator<{ message: Message; payload: Buffer }> {
    for (const message of this.messages[part].messages.from(fromSequenceNumber)) {
      yield { message, payload: this.messages.payload(message) };
    }
  }

  /** @returns ends it; what it holds stays locked */
  consume(part: SubQueueName, consumer: Consumer): () => void {
    this.#touchAccess();
    const leave = this.#consumers[part].add(consumer);
    this.#parts.requestDispatch(this);
    return leave;
  }

  /** From now on everything about it fails. @param isRemoved false takes it back */
  setRemoved(isRemoved: boolean): void {
    this.#isRemoved = isRemoved;
  }

  /** Tells its consumers that there is nothing more to come. */
  endConsumers(): void {
    for (const consumers of Object.values(this.#consumers)) consumers.end();
  }

  /** A consumer may take more now. */
  requestDispatch(): void {
    this.#parts.requestDispatch(this);
  }

  /** Hands available messages to consumers that have credit. */
  dispatch(): void {
    const now = this.#parts.clock.now();
    for (const part of ['main', 'dead'] as const) {
      const shelf = this.messages[part];
      for (let message = shelf.first(); message; message = shelf.first()) {
        if (message.expiresAt !== undefined && message.expiresAt <= now) {
          this.#redelivery.expire(message);
          continue;
        }
        const taker = this.#consumers[part].next();
        if (!taker) break;
        this.#handOver(message, taker, now);
      }
    }
  }

  /** When something is due by itself, milliseconds since 1970. */
  nextDeadline(): number {
    const { main, dead } = this.messages;
    return Math.min(main.deadlines.next() ?? Infinity, dead.deadlines.next() ?? Infinity);
  }

  /** Does what is due: scheduled messages become active, locks end, messages expire. */
  tick(now: number): void {
    for (const shelf of [this.messages.main, this.messages.dead]) {
      for (const sequenceNumber of shelf.deadlines.due(now)) {
        const message = shelf.messages.get(sequenceNumber);
        if (message?.state === 'scheduled') this.#intake.activate(message, now);
        else if (message?.state === 'locked') this.#redelivery.failDelivery(message);
        else if (message?.state === 'available') this.#redelivery.expire(message);
      }
    }
    this.#intake.forget(now);
  }

  #handOver(
    message: Message,
    { consumer, release }: { consumer: Consumer; release: () => void },
    now: number,
  ) {
    const payload = this.messages.payload(message);
    const lockedUntil = now + this.record.properties.lockDurationMs;
    this.messages.change(
      message,
      consumer.mode === 'peekLock'
        ? { state: 'locked', lockToken: randomUUID(), lockedUntil }
        : { state: 'gone' },
    );
    // As it is now: its lock may end before the commit is durable.
    const handedOver = { ...message };
    const deliver = (refused?: Error) => {
      release();
      if (!refused) consumer.deliver(handedOver, payload);
    };
    if (consumer.mode === 'peekLock') this.#parts.journal.whenWritten(deliver);
    else this.#parts.journal.whenDurable(deliver);
  }

  #lockedBy(lockToken: string): Message {
    return this.messages.lockedBy(lockToken, this.#touchAccess());
  }

  /** @returns the time, milliseconds since 1970 */
  #touchAccess(): number {
    if (this.#isRemoved) {
      throw new BrokerError(
        'entity-not-found',
        `The messaging entity '${this.record.name}' could not be found: it was deleted.`,
      );
    }
    this.accessedAt = this.#parts.clock.now();
    return this.accessedAt;
  }
}
