import type { QueueRecord } from '../store/MessageStore.js';
import { BrokerError } from './BrokerError.js';
import type { QueueDependencies } from './dependencies.js';
import type { Message, NewMessage } from './Message.js';
import type { MessageTable } from './MessageTable.js';

/** How messages come into a queue: size limit, duplicates, sequence numbers, schedule. Times are milliseconds since 1970. */
export class Intake {
  readonly #queue: QueueRecord;
  readonly #messages: MessageTable;
  readonly #parts: QueueDependencies;
  readonly #history = new DuplicateHistory();

  constructor(queue: QueueRecord, messages: MessageTable, parts: QueueDependencies) {
    this.#queue = queue;
    this.#messages = messages;
    this.#parts = parts;
  }

  /** Takes over what a store has kept; earliest first. */
  restore(history: [messageId: string, until: number][]): void {
    for (const [messageId, until] of history) this.#history.add(messageId, until);
  }

  /** @returns the sequence numbers @throws BrokerError `quota-exceeded` */
  send(messages: NewMessage[], now: number): number[] {
    this.#checkQuota(messages.reduce((sum, { payload }) => sum + payload.length, 0));
    return messages.map((message) => {
      const sequenceNumber = this.#nextSequenceNumber();
      if (!this.#isDuplicate(message.messageId, now)) this.#insert(message, sequenceNumber, now);
      return sequenceNumber;
    });
  }

  /** @throws BrokerError `message-not-found` */
  cancel(sequenceNumbers: number[]): void {
    const messages = sequenceNumbers.map((sequenceNumber) => {
      const message = this.#messages.main.messages.get(sequenceNumber);
      if (message?.state === 'scheduled') return message;
      throw new BrokerError(
        'message-not-found',
        `The scheduled message with sequence number ${sequenceNumber} was not found in queue '${this.#queue.name}'.`,
      );
    });
    for (const message of messages) this.#messages.change(message, { state: 'gone' });
  }

  /** A scheduled message is due: it becomes an active one, with a sequence number of its own. */
  activate(message: Message, now: number): void {
    const { timeToLiveMs, enqueuedSequenceNumber } = message;
    const payload = this.#messages.payload(message);
    this.#messages.change(message, { state: 'gone' });
    this.#insert({ payload, timeToLiveMs }, this.#nextSequenceNumber(), now, enqueuedSequenceNumber);
  }

  /** Forgets message ids whose time is over. */
  forget(now: number): void {
    this.#parts.journal.forget(this.#queue.id, this.#history.expire(now));
  }

  #insert(
    given: NewMessage,
    sequenceNumber: number,
    now: number,
    enqueuedSequenceNumber = sequenceNumber,
  ): void {
    // Also when that time is past: such a message becomes active at the next tick, and then has another sequence number.
    const { payload, timeToLiveMs, scheduledFor } = given;
    const lifeMs = Math.min(timeToLiveMs ?? Infinity, this.#queue.properties.timeToLiveMs ?? Infinity);
    this.#messages.insert(
      {
        queueId: this.#queue.id,
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

  #isDuplicate(messageId: string | undefined, now: number): boolean {
    const windowMs = this.#queue.properties.duplicateWindowMs;
    if (windowMs === undefined || messageId === undefined) return false;
    if (this.#history.has(messageId, now)) return true;
    this.#history.add(messageId, now + windowMs);
    this.#parts.journal.remember(this.#queue.id, messageId, now + windowMs);
    this.#parts.journal.onUndo(() => this.#history.delete(messageId));
    return false;
  }

  #nextSequenceNumber(): number {
    this.#parts.journal.putQueue(this.#queue);
    return this.#queue.nextSequenceNumber++;
  }

  #checkQuota(bytes: number): void {
    const { name, properties } = this.#queue;
    if (this.#messages.size + bytes <= properties.maxSizeBytes) return;
    throw new BrokerError(
      'quota-exceeded',
      `The maximum entity size has been reached or exceeded for queue '${name}'. Size of entity in bytes: ` +
        `${this.#messages.size}, max entity size in bytes: ${properties.maxSizeBytes}.`,
    );
  }
}

/** The message ids that a queue has seen within its window. */
export class DuplicateHistory {
  /** Until when each id counts, milliseconds since 1970; oldest first. */
  readonly #until = new Map<string, number>();

  has(messageId: string, now: number): boolean {
    const until = this.#until.get(messageId);
    return until !== undefined && until > now;
  }

  add(messageId: string, until: number): void {
    this.#until.delete(messageId);
    this.#until.set(messageId, until);
  }

  delete(messageId: string): void {
    this.#until.delete(messageId);
  }

  /** Forgets ids whose time is over. @returns these ids */
  expire(now: number): string[] {
    const expired: string[] = [];
    for (const [id, until] of this.#until) {
      if (until > now) break;
      this.#until.delete(id);
      expired.push(id);
    }
    return expired;
  }
}
