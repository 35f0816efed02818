import type { DatabaseSync } from 'node:sqlite';
import type { MessageState } from '../engine/Message.js';
import type { StoredQueue } from './MessageStore.js';

/** A queue's share of the keys: more messages than one queue will ever see; 8,192 such shares are safe integers. */
const keysPerQueue = 2 ** 40;

/** One integer for a message, so that it is SQLite's row id: ordered within a queue, without an index of its own. */
export const messageKey = (queueId: number, sequenceNumber: number): number =>
  queueId * keysPerQueue + sequenceNumber;

export const queueIdOf = (key: number): number => Math.floor(key / keysPerQueue);

export const sequenceNumberOf = (key: number): number => key % keysPerQueue;

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

/** Everything but the payloads. */
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
