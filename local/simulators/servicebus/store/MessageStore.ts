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
   * Takes all of it, or nothing. It is durable after the next `sync`.
   * @throws Error when it cannot
   */
  commit(changes: Changes): void;
  /**
   * Makes durable what was committed, without holding up the event loop. After a failure the store refuses every commit.
   * Undefined for a store for which there is nothing to do.
   */
  readonly sync: (() => Promise<void>) | undefined;
  /** Reads a payload that was committed; undefined for a store that keeps none, so that the engine must. */
  readonly payload: ((queueId: number, sequenceNumber: number) => Buffer) | undefined;
  close(): void;
}

/** Keeps nothing: the engine holds all there is. */
export const memoryStore = (): MessageStore => ({
  load: () => [],
  commit() {},
  sync: undefined,
  payload: undefined,
  close() {},
});
