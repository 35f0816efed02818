import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { HubError } from './hubError.js';
import type { StoredIdentity, WantedIdentity } from './identity.js';

export interface RegistryOptions {
  store: DeviceStore;
  /** Largest number of devices in the hub's tier. */
  maxDevices: number;
  /** Called for each change, after the change is on disk. */
  onChange(change: Change): void;
}

export interface Change {
  deviceId: string;
  what: 'created' | 'updated' | 'deleted';
}

/** The identity registry's operations. A refused operation throws HubError. */
export interface Registry {
  create(wanted: WantedIdentity): StoredIdentity;
  /** @param ifMatch an etag, or `*` for any version */
  update(wanted: WantedIdentity, ifMatch: string): StoredIdentity;
  delete(deviceId: string, ifMatch: string): void;
  get(deviceId: string): StoredIdentity;
  /** Runs several operations with one write to disk; `run` must be synchronous. */
  together<T>(run: () => T): T;
}

/** Microsoft's .NET ticks: units of 100 ns since the year 1. Generation ids have this form. */
const ticks = () => String(621_355_968_000_000_000n + BigInt(Date.now()) * 10_000n);

const newEtag = () => randomBytes(9).toString('base64');

export function createRegistry({ store, maxDevices, onChange }: RegistryOptions): Registry {
  let held: Change[] | undefined;
  const changed = (deviceId: string, what: Change['what']) => {
    if (held) held.push({ deviceId, what });
    else onChange({ deviceId, what });
  };

  const existing = (deviceId: string, ifMatch = '*') => {
    const identity = store.get(deviceId);
    if (!identity) throw new HubError('DeviceNotFound', `Device ${deviceId} not registered`);
    if (ifMatch !== '*' && ifMatch !== identity.etag) {
      throw new HubError('PreconditionFailed', 'Precondition failed: Device version did not match');
    }
    return identity;
  };

  return {
    create(wanted) {
      const { deviceId } = wanted;
      if (store.get(deviceId)) {
        throw new HubError('DeviceAlreadyExists', `A device with ID '${deviceId}' is already registered.`);
      }
      const { enabled, disabled } = store.count();
      if (enabled + disabled >= maxDevices) {
        throw new HubError('TooManyDevices', `Maximum number of devices (${maxDevices}) reached`);
      }
      const statusUpdatedTime = new Date().toISOString();
      const identity = { ...wanted, generationId: ticks(), etag: newEtag(), statusUpdatedTime };
      store.put(identity);
      changed(deviceId, 'created');
      return identity;
    },
    update(wanted, ifMatch) {
      const { deviceId } = wanted;
      const before = existing(deviceId, ifMatch);
      const statusUpdatedTime =
        before.status === wanted.status ? before.statusUpdatedTime : new Date().toISOString();
      const identity = { ...wanted, generationId: before.generationId, etag: newEtag(), statusUpdatedTime };
      store.put(identity);
      changed(deviceId, 'updated');
      return identity;
    },
    delete(deviceId, ifMatch) {
      existing(deviceId, ifMatch);
      store.delete(deviceId);
      changed(deviceId, 'deleted');
    },
    get: (deviceId) => existing(deviceId),
    together(run) {
      const changes: Change[] = [];
      held = changes;
      try {
        return store.together(run);
      } catch (error) {
        changes.length = 0; // None of them is on disk.
        throw error;
      } finally {
        held = undefined;
        changes.forEach(onChange);
      }
    },
  };
}

/** The identities of a hub. When a call returns, the change is on disk. */
export interface DeviceStore {
  get(deviceId: string): StoredIdentity | undefined;
  /** @param after only ids greater than this id, in byte order */
  list(limit: number, after?: string): StoredIdentity[];
  put(identity: StoredIdentity): void;
  delete(deviceId: string): void;
  count(): { enabled: number; disabled: number };
  /** Makes several changes with one write to disk. If `change` throws, no change is made. */
  together<T>(change: () => T): T;
  close(): void;
}

/** @param folder undefined: in memory only */
export function openDeviceStore(folder: string | undefined): DeviceStore {
  if (folder) mkdirSync(folder, { recursive: true });
  const db = new DatabaseSync(folder ? join(folder, 'devices.sqlite') : ':memory:');
  // FULL: an answered change survives a crash of the process and of the machine, as on a real registry.
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

  // The count is kept in memory: every create needs the count, and counting 100,000 rows takes several milliseconds.
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
