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
  ) WITHOUT ROWID`);
  const select = db.prepare('SELECT identity FROM devices WHERE id = ?');
  const page = db.prepare('SELECT identity FROM devices WHERE id > ? ORDER BY id LIMIT ?');
  const upsert = db.prepare('INSERT OR REPLACE INTO devices (id, status, identity) VALUES (?, ?, ?)');
  const remove = db.prepare('DELETE FROM devices WHERE id = ?');
  const statuses = db.prepare('SELECT status, count(*) AS devices FROM devices GROUP BY status');
  const read = (row: Record<string, unknown>): StoredIdentity => JSON.parse(String(row.identity));
  const get = (deviceId: string) => {
    const row = select.get(deviceId);
    return row && read(row);
  };

  // Kept up to date here: every create asks for it, and counting 100,000 rows takes several milliseconds.
  const count = { enabled: 0, disabled: 0 };
  const recount = () => {
    Object.assign(count, { enabled: 0, disabled: 0 });
    for (const { status, devices } of statuses.all()) {
      count[status === 'enabled' ? 'enabled' : 'disabled'] = Number(devices);
    }
  };
  recount();

  return {
    get,
    list: (limit, after = '') => page.all(after, limit).map(read),
    put(identity) {
      const before = get(identity.deviceId);
      upsert.run(identity.deviceId, identity.status, JSON.stringify(identity));
      if (before) count[before.status] -= 1;
      count[identity.status] += 1;
    },
    delete(deviceId) {
      const before = get(deviceId);
      remove.run(deviceId);
      if (before) count[before.status] -= 1;
    },
    count: () => ({ ...count }),
    together(change) {
      db.exec('BEGIN IMMEDIATE');
      try {
        const result = change();
        db.exec('COMMIT');
        return result;
      } catch (error) {
        db.exec('ROLLBACK');
        recount();
        throw error;
      }
    },
    close: () => db.close(),
  };
}
