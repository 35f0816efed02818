import type { DatabaseSync } from 'node:sqlite';
import type { Message, MessageState } from '../engine/Message.js';
import type { Changes, StoredQueue } from './MessageStore.js';

export const schema = `
  CREATE TABLE IF NOT EXISTS queues (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, properties TEXT NOT NULL, next_sequence_number INTEGER NOT NULL,
    created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS messages (
    key INTEGER PRIMARY KEY, enqueued_sequence_number INTEGER NOT NULL, enqueued_at INTEGER NOT NULL,
    scheduled_for INTEGER, time_to_live_ms INTEGER, state TEXT NOT NULL, delivery_count INTEGER NOT NULL,
    expires_at INTEGER, lock_token TEXT, locked_until INTEGER, dead_lettered INTEGER NOT NULL,
    payload BLOB NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS history (
    queue_id INTEGER NOT NULL, message_id TEXT NOT NULL, until INTEGER NOT NULL,
    PRIMARY KEY (queue_id, message_id)) STRICT, WITHOUT ROWID;
`;

/**
 * Range of keys for each queue. One queue never receives 2^40 messages, and 8,192 ranges fit into JavaScript's safe
 * integers.
 */
const keysPerQueue = 2 ** 40;

/**
 * The key of a message in SQLite: a single integer, so SQLite uses the key as row id. The keys of a queue are in the order
 * of its messages without another index.
 */
export const messageKey = (queueId: number, sequenceNumber: number): number =>
  queueId * keysPerQueue + sequenceNumber;

const queueIdOf = (key: number): number => Math.floor(key / keysPerQueue);

const sequenceNumberOf = (key: number): number => key % keysPerQueue;

interface QueueRow {
  id: number;
  name: string;
  properties: string;
  next_sequence_number: number;
  created_at: number;
  updated_at: number;
}

interface MessageRow {
  key: number;
  enqueued_sequence_number: number;
  enqueued_at: number;
  scheduled_for: number | null;
  time_to_live_ms: number | null;
  state: string;
  delivery_count: number;
  expires_at: number | null;
  lock_token: string | null;
  locked_until: number | null;
  dead_lettered: number;
  size: number;
}

/** Loads all queues and messages, without payloads. */
export function loadQueues(db: DatabaseSync): StoredQueue[] {
  const queues = new Map<number, StoredQueue>();
  for (const row of db.prepare('SELECT * FROM queues').iterate()) {
    const queue = row as unknown as QueueRow;
    queues.set(queue.id, {
      id: queue.id,
      name: queue.name,
      properties: JSON.parse(queue.properties),
      nextSequenceNumber: queue.next_sequence_number,
      createdAt: queue.created_at,
      updatedAt: queue.updated_at,
      messages: [],
      history: [],
    });
  }
  const columns =
    'key, enqueued_sequence_number, enqueued_at, scheduled_for, time_to_live_ms, state, delivery_count, expires_at, ' +
    'lock_token, locked_until, dead_lettered, length(payload) AS size';
  for (const row of db.prepare(`SELECT ${columns} FROM messages ORDER BY key`).iterate()) {
    const message = messageOf(row as unknown as MessageRow);
    queues.get(message.queueId)?.messages.push(message);
  }
  for (const row of db.prepare('SELECT queue_id, message_id, until FROM history ORDER BY until').iterate()) {
    queues.get(row.queue_id as number)?.history.push([row.message_id as string, row.until as number]);
  }
  return [...queues.values()];
}

function messageOf(row: MessageRow): StoredQueue['messages'][number] {
  return {
    queueId: queueIdOf(row.key),
    sequenceNumber: sequenceNumberOf(row.key),
    enqueuedSequenceNumber: row.enqueued_sequence_number,
    enqueuedAt: row.enqueued_at,
    scheduledFor: row.scheduled_for ?? undefined,
    timeToLiveMs: row.time_to_live_ms ?? undefined,
    state: row.state as MessageState,
    deliveryCount: row.delivery_count,
    expiresAt: row.expires_at ?? undefined,
    lockToken: row.lock_token ?? undefined,
    lockedUntil: row.locked_until ?? undefined,
    deadLettered: row.dead_lettered === 1,
    size: row.size,
    payload: undefined,
  };
}

export function prepareStatements(db: DatabaseSync) {
  return {
    putQueue: db.prepare('INSERT OR REPLACE INTO queues VALUES (?, ?, ?, ?, ?, ?)'),
    removeQueue: db.prepare('DELETE FROM queues WHERE id = ?'),
    removeMessages: db.prepare('DELETE FROM messages WHERE key >= ? AND key < ?'),
    removeHistory: db.prepare('DELETE FROM history WHERE queue_id = ?'),
    insert: db.prepare('INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)'),
    update: db.prepare(
      'UPDATE messages SET state = ?, delivery_count = ?, expires_at = ?, lock_token = ?, locked_until = ?, dead_lettered = ? ' +
        'WHERE key = ?',
    ),
    rewrite: db.prepare('UPDATE messages SET payload = ? WHERE key = ?'),
    remove: db.prepare('DELETE FROM messages WHERE key = ?'),
    remember: db.prepare('INSERT OR REPLACE INTO history VALUES (?, ?, ?)'),
    forget: db.prepare('DELETE FROM history WHERE queue_id = ? AND message_id = ?'),
    payload: db.prepare('SELECT payload FROM messages WHERE key = ?'),
  };
}

export type Statements = ReturnType<typeof prepareStatements>;

export function writeChanges(to: Statements, changes: Changes): void {
  for (const { id, name, properties, nextSequenceNumber, createdAt, updatedAt } of changes.queues) {
    to.putQueue.run(id, name, JSON.stringify(properties), nextSequenceNumber, createdAt, updatedAt);
  }
  for (const message of changes.inserted) to.insert.run(...insertValues(message));
  for (const message of changes.updated) to.update.run(...stateValues(message), keyOf(message));
  for (const message of changes.rewritten) to.rewrite.run(message.payload!, keyOf(message));
  for (const message of changes.removed) to.remove.run(keyOf(message));
  for (const { queueId, messageId, until } of changes.remembered) to.remember.run(queueId, messageId, until);
  for (const { queueId, messageId } of changes.forgotten) to.forget.run(queueId, messageId);
  // Removed queues come last, because the same turn may have changed messages of a queue before removing the queue.
  for (const queueId of changes.removedQueues) {
    to.removeQueue.run(queueId);
    to.removeMessages.run(messageKey(queueId, 0), messageKey(queueId + 1, 0));
    to.removeHistory.run(queueId);
  }
}

const keyOf = (message: Message) => messageKey(message.queueId, message.sequenceNumber);

const stateValues = (message: Message) =>
  [
    message.state,
    message.deliveryCount,
    message.expiresAt ?? null,
    message.lockToken ?? null,
    message.lockedUntil ?? null,
    message.deadLettered ? 1 : 0,
  ] as const;

const insertValues = (message: Message) => {
  const [state, deliveryCount, ...rest] = stateValues(message);
  const { enqueuedSequenceNumber, enqueuedAt, scheduledFor, timeToLiveMs } = message;
  const fixed = [
    keyOf(message),
    enqueuedSequenceNumber,
    enqueuedAt,
    scheduledFor ?? null,
    timeToLiveMs ?? null,
  ] as const;
  return [...fixed, state, deliveryCount, ...rest, message.payload!] as const;
};
