import { closeSync, fdatasync, fsyncSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { promisify } from 'node:util';
import type { Message } from '../engine/Message.js';
import type { Changes, MessageStore, StoredQueue } from './MessageStore.js';
import { loadQueues, messageKey } from './sqliteTables.js';

/** Raised with every change that an older version could not read. */
const schemaVersion = 1;

/** SQLITE_BUSY. */
const busy = 5;

const schema = `
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
 * Keeps queues and messages in `broker.sqlite` in a folder, so that what was synced survives a power cut, not only a killed
 * process.
 *
 * SQLite's own way to that is synchronous=FULL: it syncs the write-ahead log inside COMMIT. The same sync is done here after
 * COMMIT, in libuv's thread pool: the event loop works on while the disk does, and gathers the next commit meanwhile. What
 * a crash leaves of a commit that was not yet synced, SQLite drops when it opens the log.
 *
 * @throws Error when the file is in use by another broker, or was written by a newer version
 */
export function sqliteStore(folder: string): MessageStore {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'broker.sqlite');
  const db = open(file);
  const statements = prepare(db);
  const log = openSync(`${file}-wal`, 'r+');
  syncFolder(folder);
  let failure: Error | undefined;

  return {
    load: (): StoredQueue[] => loadQueues(db),
    commit(changes) {
      if (failure) throw failure;
      db.exec('BEGIN IMMEDIATE');
      try {
        write(statements, changes);
        db.exec('COMMIT');
      } catch (error) {
        // SQLite has rolled back by itself after some errors, such as a full disk.
        if (db.isTransaction) db.exec('ROLLBACK');
        throw error;
      }
    },
    async sync() {
      try {
        await syncFile(log);
      } catch (error) {
        // The kernel may have dropped what it could not write: to try again would only seem to succeed.
        failure = error as Error;
        throw error;
      }
    },
    payload(queueId, sequenceNumber) {
      const row = statements.payload.get(messageKey(queueId, sequenceNumber));
      return asBuffer(row!.payload as Uint8Array);
    },
    close() {
      db.close();
      closeSync(log);
    },
  };
}

const syncFile = promisify(fdatasync);

/** Makes the files' own entries durable. */
function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r');
  fsyncSync(handle);
  closeSync(handle);
}

function open(file: string): DatabaseSync {
  const db = new DatabaseSync(file);
  try {
    // Exclusive: two brokers on one file would hand out the same message twice.
    db.exec('PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL');
    const { user_version: version } = db.prepare('PRAGMA user_version').get() as { user_version: number };
    if (version > schemaVersion) throw new Error(`${file} was written by a newer version of this program`);
    db.exec(`BEGIN IMMEDIATE; ${schema} PRAGMA user_version=${schemaVersion}; COMMIT`);
    return db;
  } catch (error) {
    db.close();
    if ((error as { errcode?: number }).errcode !== busy) throw error;
    throw new Error(`${file} is in use by another broker: stop that one, or choose another folder`, {
      cause: error,
    });
  }
}

function prepare(db: DatabaseSync) {
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

function write(to: ReturnType<typeof prepare>, changes: Changes): void {
  for (const { id, name, properties, nextSequenceNumber, createdAt, updatedAt } of changes.queues) {
    to.putQueue.run(id, name, JSON.stringify(properties), nextSequenceNumber, createdAt, updatedAt);
  }
  for (const message of changes.inserted) to.insert.run(...insertValues(message));
  for (const message of changes.updated) to.update.run(...stateValues(message), keyOf(message));
  for (const message of changes.rewritten) to.rewrite.run(message.payload!, keyOf(message));
  for (const message of changes.removed) to.remove.run(keyOf(message));
  for (const { queueId, messageId, until } of changes.remembered) to.remember.run(queueId, messageId, until);
  for (const { queueId, messageId } of changes.forgotten) to.forget.run(queueId, messageId);
  // Last: this turn may have changed the messages of a queue before it removed it.
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

const asBuffer = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
