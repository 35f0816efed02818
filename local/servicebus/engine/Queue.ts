import { randomUUID } from 'node:crypto';
import type { QueueRecord } from '../store/MessageStore.js';
import { BrokerError } from './BrokerError.js';
import { type Consumer, Consumers } from './Consumer.js';
import { DuplicateHistory } from './DuplicateHistory.js';
import type { EngineParts } from './EngineParts.js';
import type { Message } from './Message.js';
import { MessageTable } from './MessageTable.js';
import type { NewMessage } from './NewMessage.js';
import { Redelivery } from './Redelivery.js';

/** The queue proper, or its dead-letter queue. */
export type Part = 'main' | 'dead';

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
  readonly #parts: EngineParts;
  readonly #history = new DuplicateHistory();
  readonly #consumers = { main: new Consumers(), dead: new Consumers() };
  readonly #redelivery: Redelivery;

  constructor(record: QueueRecord, parts: EngineParts) {
    this.record = record;
    this.#parts = parts;
    this.accessedAt = record.updatedAt;
    this.messages = new MessageTable(parts.journal, parts.store, () => parts.hungry(this));
    this.#redelivery = new Redelivery(record, this.messages, parts.deadLetterPayload);
  }

  /** Takes over what a store has kept. */
  restore(messages: Omit<Message, 'index'>[], history: [messageId: string, until: number][]): void {
    this.messages.restore(messages);
    for (const [messageId, until] of history) this.#history.add(messageId, until);
  }

  /**
   * Accepts all of these messages, or none. Duplicates are accepted too, but go nowhere.
   * @returns their sequence numbers
   * @throws BrokerError `quota-exceeded`
   */
  send(messages: NewMessage[]): number[] {
    this.#checkQuota(messages.reduce((sum, { payload }) => sum + payload.length, 0));
    const now = this.#touchAccess();
    return messages.map((message) => {
      const sequenceNumber = this.#nextSequenceNumber();
      if (!this.#isDuplicate(message.messageId, now)) this.#insert(message, sequenceNumber, now);
      return sequenceNumber;
    });
  }

  /**
   * Takes back scheduled messages: all, or none.
   * @throws BrokerError `message-not-found`
   */
  cancel(sequenceNumbers: number[]): void {
    const messages = sequenceNumbers.map((sequenceNumber) => {
      const message = this.messages.main.messages.get(sequenceNumber);
      if (message?.state === 'scheduled') return message;
      throw new BrokerError(
        'message-not-found',
        `The scheduled message with sequence number ${sequenceNumber} was not found in queue '${this.record.name}'.`,
      );
    });
    for (const message of messages) this.messages.change(message, { state: 'gone' });
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
    this.#redelivery.giveBack(this.#lockedBy(lockToken), rewrite);
  }

  /** @throws BrokerError `lock-lost`; `not-allowed` for a message that is a dead letter already */
  deadLetter(lockToken: string, rewrite?: Rewrite): void {
    this.#redelivery.bury(this.#lockedBy(lockToken), rewrite);
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
  *peek(part: Part, fromSequenceNumber: number): Generator<{ message: Message; payload: Buffer }> {
    for (const message of this.messages[part].messages.from(fromSequenceNumber)) {
      yield { message, payload: this.messages.payload(message) };
    }
  }

  /** @returns ends it; what it holds stays locked */
  consume(part: Part, consumer: Consumer): () => void {
    this.#touchAccess();
    const leave = this.#consumers[part].add(consumer);
    this.#parts.hungry(this);
    return leave;
  }

  /** A consumer may take more now. */
  wake(): void {
    this.#parts.hungry(this);
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
        if (message?.state === 'scheduled') this.#activate(message, now);
        else if (message?.state === 'locked') this.#redelivery.giveBack(message);
        else if (message?.state === 'available') this.#redelivery.expire(message);
      }
    }
    this.#parts.journal.forget(this.record.id, this.#history.expire(now));
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
    this.#parts.journal.afterCommit((refused) => {
      release();
      if (!refused) consumer.deliver(handedOver, payload);
    });
  }

  #insert(
    given: NewMessage,
    sequenceNumber: number,
    now: number,
    enqueuedSequenceNumber = sequenceNumber,
  ): void {
    // Also when that time is past: such a message becomes active at the next tick, and then has another sequence number.
    const { payload, timeToLiveMs, scheduledFor } = given;
    const lifeMs = Math.min(timeToLiveMs ?? Infinity, this.record.properties.timeToLiveMs ?? Infinity);
    this.messages.insert(
      {
        queueId: this.record.id,
        sequenceNumber,
        enqueuedSequenceNumber,
        enqueuedAt: now,
        scheduledFor,
        timeToLiveMs,
        deliveryCount: 0,
        // The life of a scheduled message begins when it becomes active.
        expiresAt: scheduledFor === undefined && lifeMs < Infinity ? now + lifeMs : undefined,
        lockToken: undefined,
        lockedUntil: undefined,
        deadLettered: false,
        size: payload.length,
        payload,
      },
      scheduledFor === undefined ? 'available' : 'scheduled',
    );
  }

  #activate(message: Message, now: number): void {
    const { timeToLiveMs, enqueuedSequenceNumber } = message;
    const payload = this.messages.payload(message);
    this.messages.change(message, { state: 'gone' });
    this.#insert({ payload, timeToLiveMs }, this.#nextSequenceNumber(), now, enqueuedSequenceNumber);
  }

  #isDuplicate(messageId: string | undefined, now: number): boolean {
    const windowMs = this.record.properties.duplicateWindowMs;
    if (windowMs === undefined || messageId === undefined) return false;
    if (this.#history.has(messageId, now)) return true;
    this.#history.add(messageId, now + windowMs);
    this.#parts.journal.remember(this.record.id, messageId, now + windowMs);
    this.#parts.journal.onUndo(() => this.#history.delete(messageId));
    return false;
  }

  #lockedBy(lockToken: string): Message {
    return this.messages.lockedBy(lockToken, this.#touchAccess());
  }

  #nextSequenceNumber(): number {
    this.#parts.journal.putQueue(this.record);
    return this.record.nextSequenceNumber++;
  }

  #touchAccess(): number {
    this.accessedAt = this.#parts.clock.now();
    return this.accessedAt;
  }

  #checkQuota(bytes: number): void {
    const { name, properties } = this.record;
    if (this.messages.size + bytes <= properties.maxSizeBytes) return;
    throw new BrokerError(
      'quota-exceeded',
      `The maximum entity size has been reached or exceeded for queue '${name}'. Size of entity in bytes: ` +
        `${this.messages.size}, max entity size in bytes: ${properties.maxSizeBytes}.`,
    );
  }
}
