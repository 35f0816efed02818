import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { StoredIdentity } from './deviceIdentity.js';

/** The identities of a hub. Each change is on disk when its call returns. */
export interface DeviceStore {
  get(deviceId: string): StoredIdentity | undefined;
  /** @param after only ids greater than this one, in the order of their bytes */
  list(limit: number, after?: string): StoredIdentity[];
  put(identity: StoredIdentity): void;
  delete(deviceId: string): void;
  count(): { enabled: number; disabled: number };
  /** Several changes with one write to disk; none of them when `change` throws. */
  together<T>(change: () => T): T;
  close(): void;
}

/** @param folder undefined: in memory only */
export function openDeviceStore(folder: string | undefined): DeviceStore {
  if (folder) mkdirSync(folder, { recursive: true });
  const db = new DatabaseSync(folder ? join(folder, 'devices.sqlite') : ':memory:');
  // FULL: what was answered outlives the process and the machine, as a registry's answers should.
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000;');
  db.exec(`CREATE TABLE IF NOT EXISTS devices (
    id TEXT PRIMARY KEY, status TEXT NOT NULL, identity TEXT NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS devices_by_status ON devices (status)`);
  const select = db.prepare('SELECT identity FROM devices WHERE id = ?');
  const page = db.prepare('SELECT identity FROM devices WHERE id > ? ORDER BY id LIMIT ?');
  const upsert = db.prepare('INSERT OR REPLACE INTO devices (id, status, identity) VALUES (?, ?, ?)');
  const remove = db.prepare('DELETE FROM devices WHERE id = ?');
  const counts = db.prepare('SELECT status, count(*) AS devices FROM devices GROUP BY status');
  const read = (row: Record<string, unknown>): StoredIdentity => JSON.parse(String(row.identity));

  return {
    get(deviceId) {
      const row = select.get(deviceId);
      return row && read(row);
    },
    list: (limit, after = '') => page.all(after, limit).map(read),
    put(identity) {
      upsert.run(identity.deviceId, identity.status, JSON.stringify(identity));
    },
    delete(deviceId) {
      remove.run(deviceId);
    },
    count() {
      const byStatus = new Map(counts.all().map(({ status, devices }) => [status, Number(devices)]));
      return { enabled: byStatus.get('enabled') ?? 0, disabled: byStatus.get('disabled') ?? 0 };
    },
    together(change) {
      db.exec('BEGIN IMMEDIATE');
      try {
        const result = change();
        db.exec('COMMIT');
        return result;
      } catch (error) {
        db.exec('ROLLBACK');
        throw error;
      }
    },
    close: () => db.close(),
  };
}
