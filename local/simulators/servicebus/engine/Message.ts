import type { SubQueue } from './MessageTable.js';

/** `gone`: completed, cancelled, expired or moved on; kept only until that is on disk. */
export type MessageState = 'scheduled' | 'available' | 'locked' | 'gone';

/** One message. All times are milliseconds since 1970. */
export interface Message {
  readonly queueId: number;
  readonly sequenceNumber: number;
  /** The sequence number that it was first given; differs once it has been scheduled. */
  readonly enqueuedSequenceNumber: number;
  readonly enqueuedAt: number;
  readonly scheduledFor: number | undefined;
  readonly timeToLiveMs: number | undefined;
  state: MessageState;
  /** Deliveries that failed so far. */
  deliveryCount: number;
  expiresAt: number | undefined;
  lockToken: string | undefined;
  lockedUntil: number | undefined;
  deadLettered: boolean;
  /** Bytes of the payload. */
  size: number;
  /** What was sent, opaque to the engine. Undefined while only the store holds it. */
  payload: Buffer | undefined;
  /** Where the engine's indexes hold it; not part of the message. */
  readonly index: MessageIndex;
}

export interface MessageIndex {
  subQueue: SubQueue | undefined;
  /** Whether the shelf's order of available messages has an entry for it. */
  inOrder: boolean;
  /** What the shelf's totals count it as. */
  counted: { state: MessageState; size: number };
  /** The token under which the queue's locks hold it. */
  lockToken: string | undefined;
  /** Bytes of payload that count as held in memory. */
  resident: number;
}

export const newMessageIndex = (): MessageIndex => ({
  subQueue: undefined,
  inOrder: false,
  counted: { state: 'gone', size: 0 },
  lockToken: undefined,
  resident: 0,
});

/** When something is due to happen to this message by itself: activation, end of the lock, expiry. */
export function deadline(message: Message): number | undefined {
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

/** What a sender gives. */
export interface NewMessage {
  /** Opaque to the engine. */
  payload: Buffer;
  messageId?: string | undefined;
  /** Not to be delivered before, milliseconds since 1970. */
  scheduledFor?: number | undefined;
  timeToLiveMs?: number | undefined;
}
