import type { EpochMs } from '../../../../src/shared/time.js';
import type { QueueRecord } from '../store/MessageStore.js';
import { BrokerError } from './BrokerError.js';
import type { QueueDependencies } from './dependencies.js';
import type { Message, NewMessage } from './Message.js';
import type { MessageTable } from './MessageTable.js';

/** Accepts messages into a queue: size limit, duplicate detection, sequence numbers and scheduling. */
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

  /** Restores the message ids that the store has kept. @param history sorted by `until`, earliest first */
  restore(history: [messageId: string, until: EpochMs][]): void {
    for (const [messageId, until] of history) this.#history.add(messageId, until);
  }

  /**
   * Adds messages to the queue, and drops duplicates.
   * @returns one sequence number for each message, also for a duplicate
   * @throws BrokerError `quota-exceeded`
   */
  send(messages: NewMessage[], now: EpochMs): number[] {
    this.#checkQuota(messages.reduce((sum, { payload }) => sum + payload.length, 0));
    return messages.map((message) => {
      const sequenceNumber = this.#nextSequenceNumber();
      if (!this.#isDuplicate(message.messageId, now)) this.#insert(message, sequenceNumber, now);
      return sequenceNumber;
    });
  }

  /**
   * Cancels scheduled messages: either all of them, or none.
   * @throws BrokerError `message-not-found`
   */
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

  /** Makes a scheduled message active at its time. The active message gets a new sequence number. */
  activate(message: Message, now: EpochMs): void {
    const { timeToLiveMs, enqueuedSequenceNumber } = message;
    const payload = this.#messages.payload(message);
    this.#messages.change(message, { state: 'gone' });
    this.#insert({ payload, timeToLiveMs }, this.#nextSequenceNumber(), now, enqueuedSequenceNumber);
  }

  /** Forgets message ids whose detection window has ended. */
  forget(now: EpochMs): void {
    this.#parts.journal.forget(this.#queue.id, this.#history.expire(now));
  }

  #insert(
    given: NewMessage,
    sequenceNumber: number,
    now: EpochMs,
    enqueuedSequenceNumber = sequenceNumber,
  ): void {
    // A scheduled time in the past makes no difference: the message becomes active at the next tick, and gets a new
    // sequence number then.
    const { payload, timeToLiveMs, expiresAt } = this.#life(given, now);
    const { scheduledFor } = given;
    this.#messages.insert(
      {
        queueId: this.#queue.id,
        sequenceNumber,
        enqueuedSequenceNumber,
        enqueuedAt: now,
        scheduledFor,
        timeToLiveMs,
        deliveryCount: 0,
        expiresAt,
        lockToken: undefined,
        lockedUntil: undefined,
        deadLettered: false,
        size: payload.length,
        payload,
      },
      scheduledFor === undefined ? 'available' : 'scheduled',
    );
  }

  /**
   * The time to live of a message is at most the time to live of the queue. The time of a scheduled message starts when the
   * message becomes active.
   */
  #life(
    { payload, timeToLiveMs, scheduledFor }: NewMessage,
    now: EpochMs,
  ): Pick<Message, 'timeToLiveMs' | 'expiresAt'> & { payload: Buffer } {
    if (scheduledFor !== undefined) return { payload, timeToLiveMs, expiresAt: undefined };
    const longestMs = this.#queue.properties.timeToLiveMs;
    if (longestMs !== undefined && (timeToLiveMs === undefined || timeToLiveMs > longestMs)) {
      const capped = this.#parts.payloads.capTimeToLive(payload, longestMs, now);
      return { payload: capped, timeToLiveMs: longestMs, expiresAt: now + longestMs };
    }
    const expiresAt = timeToLiveMs === undefined ? undefined : now + timeToLiveMs;
    return { payload, timeToLiveMs, expiresAt };
  }

  #isDuplicate(messageId: string | undefined, now: EpochMs): boolean {
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

/** The message ids of the last detection window. */
class DuplicateHistory {
  /** The end of the detection window of each id, earliest first. */
  readonly #until = new Map<string, EpochMs>();

  has(messageId: string, now: EpochMs): boolean {
    const until = this.#until.get(messageId);
    return until !== undefined && until > now;
  }

  add(messageId: string, until: EpochMs): void {
    this.#until.delete(messageId);
    this.#until.set(messageId, until);
  }

  delete(messageId: string): void {
    this.#until.delete(messageId);
  }

  /** Forgets ids whose detection window has ended. @returns the forgotten ids */
  expire(now: EpochMs): string[] {
    const expired: string[] = [];
    for (const [id, until] of this.#until) {
      if (until > now) break;
      this.#until.delete(id);
      expired.push(id);
    }
    return expired;
  }
}
