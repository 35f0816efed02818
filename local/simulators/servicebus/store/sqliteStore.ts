import { closeSync, fdatasync, fsyncSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { promisify } from 'node:util';
import type { MessageStore, StoredQueue } from './MessageStore.js';
import { loadQueues, messageKey, prepareStatements, schema, writeChanges } from './sqliteTables.js';

/** Increased with every change of the schema, because an older version could not read the new schema. */
const schemaVersion = 1;

/** SQLITE_BUSY. */
const busy = 5;

/**
 * A store in the file `broker.sqlite`. Synced data survive a power cut, not only a killed process.
 *
 * SQLite offers synchronous=FULL for this purpose: SQLite then syncs the write-ahead log inside COMMIT. This store runs the
 * same sync after COMMIT, in libuv's thread pool. The event loop continues to work during the sync and collects the next
 * commit. If a commit was not synced before a crash, SQLite drops the incomplete part when SQLite opens the log again.
 *
 * @param folder created if missing
 * @throws Error if another process uses the file, or if a newer version wrote the file
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
        // After some errors, such as a full disk, SQLite has already rolled back.
        if (db.isTransaction) db.exec('ROLLBACK');
        throw error;
      }
    },
    async sync() {
      try {
        await syncFile(log);
      } catch (error) {
        // The kernel may have dropped the data that it could not write. A second sync would then succeed without writing
        // the data.
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

/** Makes the directory entries of the files durable. */
function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r');
  fsyncSync(handle);
  closeSync(handle);
}

function open(file: string): DatabaseSync {
  const db = new DatabaseSync(file);
  try {
    // The lock is exclusive, because two brokers on one file would deliver the same message twice.
    db.exec('PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL');
    const { user_version: version } = db.prepare('PRAGMA user_version').get() as { user_version: number };
    if (version > schemaVersion) throw new Error(`${file} was written by a newer version of this program`);
    db.exec(`BEGIN IMMEDIATE; ${schema} PRAGMA user_version=${schemaVersion}; COMMIT`);
    return db;
  } catch (error) {
    db.close();
    if ((error as { errcode?: number }).errcode !== busy) throw error;
    throw new Error(
      `${file} is in use by another process. Stop the npm start of this folder, or choose another folder with --folder`,
      {
        cause: error,
      },
    );
  }
}

const asBuffer = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
