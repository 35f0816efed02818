import { randomUUID } from 'node:crypto';
import type { EpochMs } from '../../../../src/shared/time.js';
import type { QueueRecord } from '../store/MessageStore.js';
import { entityNotFound } from './BrokerError.js';
import { type Consumer, Consumers } from './Consumer.js';
import { creditCosts } from './Credits.js';
import type { QueueDependencies } from './dependencies.js';
import { Intake } from './Intake.js';
import type { Message, NewMessage, Rewrite, SubQueueName } from './Message.js';
import { MessageTable } from './MessageTable.js';
import { Redelivery } from './Redelivery.js';

/**
 * One queue with its dead-letter queue. Each method changes the state in memory at once. A change is durable only after the
 * journal's commit, and the caller must not report the change to a client before then.
 */
export class Queue {
  readonly record: QueueRecord;
  readonly messages: MessageTable;
  /** The time of the last send, receive or settlement. */
  accessedAt: EpochMs;
  #isRemoved = false;
  readonly #parts: QueueDependencies;
  readonly #consumers = { main: new Consumers(), dead: new Consumers() };
  readonly #intake: Intake;
  readonly #redelivery: Redelivery;

  constructor(record: QueueRecord, parts: QueueDependencies) {
    this.record = record;
    this.#parts = parts;
    this.accessedAt = record.updatedAt;
    this.messages = new MessageTable(parts.journal, parts.store, () => parts.requestDispatch());
    this.#intake = new Intake(record, this.messages, parts);
    this.#redelivery = new Redelivery(record, this.messages, parts.payloads);
  }

  /** Restores the messages and the message ids that the store has kept. */
  restore(messages: Omit<Message, 'index'>[], history: [messageId: string, until: EpochMs][]): void {
    this.messages.restore(messages);
    this.#intake.restore(history);
  }

  /**
   * Accepts all of these messages, or none. A duplicate is accepted and dropped.
   * @returns the sequence numbers of the messages
   * @throws BrokerError `quota-exceeded`
   */
  send(messages: NewMessage[]): number[] {
    return this.#intake.send(messages, this.#touchAccess());
  }

  /**
   * Cancels scheduled messages: either all of them, or none.
   * @throws BrokerError `message-not-found`
   */
  cancel(sequenceNumbers: number[]): void {
    this.#intake.cancel(sequenceNumbers);
  }

  /**
   * Removes a locked message.
   * @throws BrokerError `lock-lost`
   */
  complete(lockToken: string): void {
    this.messages.change(this.#lockedBy(lockToken), { state: 'gone' });
  }

  /**
   * Returns a locked message to the queue and counts a failed delivery.
   * @throws BrokerError `lock-lost`
   */
  abandon(lockToken: string, rewrite?: Rewrite): void {
    this.#redelivery.failDelivery(this.#lockedBy(lockToken), rewrite);
  }

  /**
   * Returns a locked message to the queue. The delivery does not count as failed.
   * @throws BrokerError `lock-lost`
   */
  release(lockToken: string): void {
    this.#redelivery.release(this.#lockedBy(lockToken));
  }

  /**
   * Moves a locked message to the dead-letter queue.
   * @throws BrokerError `lock-lost`; `not-allowed` if the message is a dead letter already
   */
  deadLetter(lockToken: string, rewrite?: Rewrite): void {
    this.#redelivery.deadLetter(this.#lockedBy(lockToken), rewrite);
  }

  /**
   * Renews the lock of a message for another lock duration.
   * @returns the new end of the lock
   * @throws BrokerError `lock-lost`
   */
  renew(lockToken: string): EpochMs {
    const message = this.#lockedBy(lockToken);
    const lockedUntil = this.#parts.clock.now() + this.record.properties.lockDurationMs;
    this.messages.change(message, { lockedUntil });
    return lockedUntil;
  }

  /** Lists messages in any state with their payloads, starting at this sequence number. */
  *peek(part: SubQueueName, fromSequenceNumber: number): Generator<{ message: Message; payload: Buffer }> {
    for (const message of this.messages[part].messages.from(fromSequenceNumber)) {
      yield { message, payload: this.messages.payload(message) };
    }
  }

  /**
   * Adds a consumer.
   * @returns a function that removes the consumer; messages locked by the consumer stay locked
   */
  consume(part: SubQueueName, consumer: Consumer): () => void {
    this.#touchAccess();
    const remove = this.#consumers[part].add(consumer);
    this.#parts.requestDispatch();
    return remove;
  }

  /** Makes all later operations on the queue fail. @param isRemoved false reverts the removal */
  setRemoved(isRemoved: boolean): void {
    this.#isRemoved = isRemoved;
  }

  /** Tells all consumers about the deletion of the queue. */
  endConsumers(): void {
    for (const consumers of Object.values(this.#consumers)) consumers.end();
  }

  /** Schedules a dispatch, because a consumer has new credit. */
  requestDispatch(): void {
    this.#parts.requestDispatch();
  }

  /** Hands available messages to consumers with credit. @returns false if messages wait for credits of the namespace */
  dispatch(): boolean {
    const now = this.#parts.clock.now();
    for (const part of ['main', 'dead'] as const) {
      const subQueue = this.messages[part];
      for (let message = subQueue.first(); message; message = subQueue.first()) {
        if (message.expiresAt !== undefined && message.expiresAt <= now) {
          this.#redelivery.expire(message);
          continue;
        }
        const recipient = this.#consumers[part].next();
        if (!recipient) break;
        if (!this.#parts.credits.tryTake(creditCosts.message)) {
          recipient.release();
          return false;
        }
        this.#handOver(message, recipient, now);
      }
    }
    return true;
  }

  /** The time of the next automatic change of a message. */
  nextDeadline(): EpochMs {
    const { main, dead } = this.messages;
    return Math.min(main.deadlines.next() ?? Infinity, dead.deadlines.next() ?? Infinity);
  }

  /** Applies all due changes: scheduled messages become active, locks end, messages expire. */
  tick(now: EpochMs): void {
    for (const subQueue of [this.messages.main, this.messages.dead]) {
      for (const sequenceNumber of subQueue.deadlines.due(now)) {
        const message = subQueue.messages.get(sequenceNumber);
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
    now: EpochMs,
  ) {
    const payload = this.messages.payload(message);
    const lockedUntil = now + this.record.properties.lockDurationMs;
    this.messages.change(
      message,
      consumer.mode === 'peekLock'
        ? { state: 'locked', lockToken: randomUUID(), lockedUntil }
        : { state: 'gone' },
    );
    // A copy, because the lock may end before the commit is written.
    const handedOver = { ...message };
    const deliver = (error?: Error) => {
      release();
      if (!error) consumer.deliver(handedOver, payload);
    };
    if (consumer.mode === 'peekLock') this.#parts.journal.whenWritten(deliver);
    else this.#parts.journal.whenDurable(deliver);
  }

  #lockedBy(lockToken: string): Message {
    return this.messages.lockedBy(lockToken, this.#touchAccess());
  }

  /** Records the time of access. @returns the current time */
  #touchAccess(): EpochMs {
    if (this.#isRemoved) {
      throw entityNotFound(this.record.name);
    }
    this.accessedAt = this.#parts.clock.now();
    return this.accessedAt;
  }
}
