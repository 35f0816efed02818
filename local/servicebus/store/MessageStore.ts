import type { Message } from '../engine/Message.js';
import type { QueueProperties } from '../engine/QueueProperties.js';

/** What a store keeps of a queue besides its messages. Times are milliseconds since 1970. */
export interface QueueRecord {
  id: number;
  name: string;
  properties: QueueProperties;
  /** The sequence number that its next message gets. */
  nextSequenceNumber: number;
  createdAt: number;
  updatedAt: number;
}

export interface StoredQueue extends QueueRecord {
  /** Without their payloads; in ascending order of their sequence numbers. */
  messages: Omit<Message, 'index'>[];
  /** Message ids and until when each counts; earliest first. */
  history: [messageId: string, until: number][];
}

/** Everything that one turn changed. */
export interface Changes {
  queues: Iterable<QueueRecord>;
  removedQueues: Iterable<number>;
  inserted: Iterable<Message>;
  /** Of these the payload is written too only if it is in `rewritten`. */
  updated: Iterable<Message>;
  rewritten: ReadonlySet<Message>;
  removed: Iterable<Message>;
  remembered: Iterable<{ queueId: number; messageId: string; until: number }>;
  forgotten: Iterable<{ queueId: number; messageId: string }>;
}

/** Where queues and messages outlive the process, or do not. */
export interface MessageStore {
  load(): StoredQueue[];
  /**
   * Makes all of it durable, or none.
   * @throws Error when it cannot
   */
  commit(changes: Changes): void;
  /** Reads a payload that was committed; undefined for a store that keeps none, so that the engine must. */
  readonly payload: ((queueId: number, sequenceNumber: number) => Buffer) | undefined;
  close(): void;
}
