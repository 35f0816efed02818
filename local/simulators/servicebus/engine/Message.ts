import type { EpochMs } from '../../../../src/shared/time.js';

/**
 * The state `gone` means completed, cancelled, expired or moved to another entry. The engine keeps such a message only
 * until the store has removed the message.
 */
export type MessageState = 'scheduled' | 'available' | 'locked' | 'gone';

/** A message of a queue or dead-letter queue. */
export interface Message {
  readonly queueId: number;
  readonly sequenceNumber: number;
  /**
   * The sequence number at the time of sending. A scheduled message gets another `sequenceNumber` when the message becomes
   * active.
   */
  readonly enqueuedSequenceNumber: number;
  readonly enqueuedAt: EpochMs;
  readonly scheduledFor: EpochMs | undefined;
  readonly timeToLiveMs: number | undefined;
  state: MessageState;
  /** Number of failed deliveries. */
  deliveryCount: number;
  expiresAt: EpochMs | undefined;
  lockToken: string | undefined;
  lockedUntil: EpochMs | undefined;
  deadLettered: boolean;
  /** Bytes of the payload. */
  size: number;
  /** The encoded message. The engine does not interpret these bytes. Undefined while only the store holds the payload. */
  payload: Buffer | undefined;
  /** Bookkeeping of the engine's indexes. The store does not keep this field. */
  readonly index: MessageIndex;
}

export interface MessageIndex {
  subQueue: { remove(message: Message): void } | undefined;
  /** True if the sub-queue's delivery order has an entry for the message. */
  inOrder: boolean;
  /** The state and size with which the sub-queue's totals include the message. */
  counted: { state: MessageState; size: number };
  /** The key of the message in the queue's table of locks. */
  lockToken: string | undefined;
  /** Bytes of the payload, as counted in the queue's use of memory. */
  resident: number;
}

export const newMessageIndex = (): MessageIndex => ({
  subQueue: undefined,
  inOrder: false,
  counted: { state: 'gone', size: 0 },
  lockToken: undefined,
  resident: 0,
});

/** The time of the next automatic change of a message: activation, end of the lock, or expiry. */
export function deadline(message: Message): EpochMs | undefined {
  switch (message.state) {
    case 'scheduled':
      return message.scheduledFor;
    case 'locked':
      return message.lockedUntil;
    case 'available':
      return message.expiresAt;
    case 'gone':
      return undefined;
  }
}

/** A message as a sender gives it to the engine. */
export interface NewMessage {
  /** The encoded message. The engine does not interpret these bytes. */
  payload: Buffer;
  messageId?: string | undefined;
  /** The earliest time of delivery. */
  scheduledFor?: EpochMs | undefined;
  timeToLiveMs?: number | undefined;
}

/** `main` is the queue itself, `dead` is its dead-letter queue. */
export type SubQueueName = 'main' | 'dead';

/** Changes the properties in a message's payload. */
export type Rewrite = (payload: Buffer) => Buffer;
