import type { EpochMs } from '../../../../src/shared/time.js';
import type { Message } from '../engine/Message.js';
import type { QueueProperties } from '../engine/QueueProperties.js';

/** The data of a queue in the store, without its messages. */
export interface QueueRecord {
  id: number;
  name: string;
  properties: QueueProperties;
  /** The sequence number for the next message. */
  nextSequenceNumber: number;
  createdAt: EpochMs;
  updatedAt: EpochMs;
}

export interface StoredQueue extends QueueRecord {
  /** Without payloads, in ascending order of sequence numbers. */
  messages: Omit<Message, 'index'>[];
  /** Message ids with the end of their detection window, earliest first. */
  history: [messageId: string, until: EpochMs][];
}

/** All changes of one turn. */
export interface Changes {
  queues: Iterable<QueueRecord>;
  removedQueues: Iterable<number>;
  inserted: Iterable<Message>;
  /**
   * The store writes the state of these messages. The store writes a payload only if the message is also in `rewritten`.
   */
  updated: Iterable<Message>;
  rewritten: ReadonlySet<Message>;
  removed: Iterable<Message>;
  remembered: Iterable<{ queueId: number; messageId: string; until: EpochMs }>;
  forgotten: Iterable<{ queueId: number; messageId: string }>;
}

/** Storage for queues and messages. An implementation decides whether the data survive the process. */
export interface MessageStore {
  load(): StoredQueue[];
  /**
   * Writes all of the changes, or none. The changes are durable after the next `sync`.
   * @throws Error if the store cannot write
   */
  commit(changes: Changes): void;
  /**
   * Makes all commits durable without blocking the event loop. After a failed sync the store refuses every commit.
   * Undefined if the store needs no sync.
   */
  readonly sync: (() => Promise<void>) | undefined;
  /** Reads a committed payload. Undefined for a store without payloads; the engine then keeps all payloads in memory. */
  readonly payload: ((queueId: number, sequenceNumber: number) => Buffer) | undefined;
  close(): void;
}

/** A store without storage: all data exist only in the engine's memory. */
export const memoryStore = (): MessageStore => ({
  load: () => [],
  commit() {},
  sync: undefined,
  payload: undefined,
  close() {},
});
