import { closeSync, fdatasync, fsyncSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { promisify } from 'node:util';
import type { MessageStore, StoredQueue } from './MessageStore.js';
import { loadQueues, messageKey, prepareStatements, schema, writeChanges } from './sqliteTables.js';

/** Raised with every change that an older version could not read. */
const schemaVersion = 1;

/** SQLITE_BUSY. */
const busy = 5;

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
  const statements = prepareStatements(db);
  const log = openSync(`${file}-wal`, 'r+');
  syncFolder(folder);
  let failure: Error | undefined;

  return {
    load: (): StoredQueue[] => loadQueues(db),
    commit(changes) {
      if (failure) throw failure;
      db.exec('BEGIN IMMEDIATE');
      try {
        writeChanges(statements, changes);
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

const asBuffer = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
