import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { merge } from './deviceMessages.js';
import { HubError } from './hubError.js';
import type { StoredIdentity, WantedIdentity } from './identity.js';

export interface RegistryOptions {
  store: DeviceStore;
  /** Largest number of devices in the hub's tier. */
  maxDevices: number;
  rules: Readonly<RegistryRules>;
  /** Called for each change, after the change is on disk. */
  onChange(change: Change): void;
}

/** Rules that the documentation leaves open, or that only some hubs show. A test chooses the values. */
export interface RegistryRules {
  /**
   * Status of an update or delete of a missing device. 412 is the rule of RFC 7232 for If-Match, which the documentation names. No
   * public log shows either status.
   */
  missing: 404 | 412;
  /** A new identity is not readable for this time, milliseconds. A second create is refused at once. */
  unreadableMs: number;
}

export const usualRules: RegistryRules = { missing: 404, unreadableMs: 0 };

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
  /** Changes tags of the twin; null removes a tag. @param ifMatch the twin's etag, or `*` */
  tag(deviceId: string, tags: Record<string, unknown>, ifMatch: string): StoredIdentity;
  /** Runs several operations with one write to disk; `run` must be synchronous. */
  together<T>(run: () => T): T;
}

/** Microsoft's .NET ticks: units of 100 ns since the year 1. Generation ids have this form. */
const ticks = () => String(621_355_968_000_000_000n + BigInt(Date.now()) * 10_000n);

const newEtag = () => randomBytes(9).toString('base64');

/** The twin's etag is a counter of eight bytes, for example `AAAAAAAAAAE=`. */
export function twinEtag({ twinVersion }: StoredIdentity): string {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(twinVersion));
  return bytes.toString('base64');
}

export function createRegistry({ store, maxDevices, rules, onChange }: RegistryOptions): Registry {
  let held: Change[] | undefined;
  /** Times of creation in this process. */
  const createdAt = new Map<string, number>();
  const changed = (deviceId: string, what: Change['what']) => {
    if (held) held.push({ deviceId, what });
    else onChange({ deviceId, what });
  };

  const notFound = (deviceId: string) => new HubError('DeviceNotFound', `Device ${deviceId} not registered`);
  const versionDiffers = () =>
    new HubError('PreconditionFailed', 'Precondition failed: Device version did not match');
  const existing = (deviceId: string, ifMatch: string) => {
    const identity = store.get(deviceId);
    if (!identity) throw rules.missing === 412 ? versionDiffers() : notFound(deviceId);
    if (ifMatch !== '*' && ifMatch !== identity.etag) throw versionDiffers();
    return identity;
  };
  const readable = (deviceId: string) => {
    const identity = store.get(deviceId);
    const since = createdAt.get(deviceId);
    if (!identity || (since !== undefined && Date.now() - since < rules.unreadableMs))
      throw notFound(deviceId);
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
      const created = { generationId: ticks(), etag: newEtag(), statusUpdatedTime, tags: {}, twinVersion: 1 };
      const identity = { ...wanted, ...created };
      store.put(identity);
      if (rules.unreadableMs > 0) createdAt.set(deviceId, Date.now());
      changed(deviceId, 'created');
      return identity;
    },
    update(wanted, ifMatch) {
      const { deviceId } = wanted;
      const before = existing(deviceId, ifMatch);
      const statusUpdatedTime =
        before.status === wanted.status ? before.statusUpdatedTime : new Date().toISOString();
      // The whole identity is replaced. Only the generation id and the twin stay.
      const { generationId, tags, twinVersion } = before;
      const identity = { ...wanted, generationId, etag: newEtag(), statusUpdatedTime, tags, twinVersion };
      store.put(identity);
      changed(deviceId, 'updated');
      return identity;
    },
    delete(deviceId, ifMatch) {
      existing(deviceId, ifMatch);
      store.delete(deviceId);
      changed(deviceId, 'deleted');
    },
    get: readable,
    tag(deviceId, tags, ifMatch) {
      const before = readable(deviceId);
      if (ifMatch !== '*' && ifMatch !== twinEtag(before)) throw versionDiffers();
      const identity = { ...before, tags: merge(before.tags, tags), twinVersion: before.twinVersion + 1 };
      store.put(identity);
      return identity;
    },
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
