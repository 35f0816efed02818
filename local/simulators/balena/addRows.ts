import { randomBytes, randomUUID } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { insert, transaction } from './database.js';
import { addRelease, ensureService, releasedServices, releaseToFleet } from './installs.js';

/** The device types, by CPU architecture. */
const deviceTypes: Record<string, Record<string, string>> = {
  aarch64: {
    'raspberrypi4-64': 'Raspberry Pi 4 (using 64bit OS)',
    'generic-aarch64': 'Generic AARCH64 (ARMv8)',
  },
  armv7hf: { raspberrypi3: 'Raspberry Pi 3' },
  amd64: { 'generic-amd64': 'Generic x86_64 (GPT)', 'intel-nuc': 'Intel NUC' },
};

/**
 * Adds the rows that every database needs before the first fleet: the device types, the applications of host OS and
 * supervisor, and one user.
 *
 * @returns the user's API key
 */
export function addBasics(db: DatabaseSync): string {
  return transaction(db, () => {
    for (const [architecture, types] of Object.entries(deviceTypes)) {
      const is_of__cpu_architecture =
        idOf(db, 'cpu_architecture', 'slug', architecture) ??
        insert(db, 'cpu_architecture', { slug: architecture });
      for (const [slug, name] of Object.entries(types)) {
        if (idOf(db, 'device_type', 'slug', slug)) continue;
        const references__device_type = insert(db, 'device_type', { slug, name, is_of__cpu_architecture });
        insert(db, 'device_type_alias', { is_referenced_by__alias: slug, references__device_type });
      }
    }
    addSystemApps(db);
    return firstKey(db, userActor(db));
  });
}

/**
 * Adds the public applications of balena itself: a host OS for each device type, and a supervisor for each architecture.
 * The host OS's service is called `main`, like the service of every fleet with a single container.
 */
function addSystemApps(db: DatabaseSync): void {
  for (const [architecture, types] of Object.entries(deviceTypes)) {
    const slugs = Object.keys(types);
    for (const slug of slugs) addSystemApp(db, slug, slug, 'main', true);
    addSystemApp(db, `${architecture}-supervisor`, slugs[0] ?? '', 'balena-supervisor', false);
  }
}

function addSystemApp(
  db: DatabaseSync,
  name: string,
  deviceType: string,
  service: string,
  isHost: boolean,
): void {
  const slug = `balena_os/${name}`;
  if (idOf(db, 'application', 'slug', slug) !== undefined) return;
  const id = createFleet(db, slug, deviceType);
  db.prepare(
    `UPDATE application SET is_of__class = 'app', is_public = 1, is_host = ?, should_track_latest_release = 0
     WHERE id = ?`,
  ).run(isHost ? 1 : 0, id);
  addRelease(db, id, [ensureService(db, id, service)]);
}

/** The actor of the one user. The user is added where missing. */
export function userActor(db: DatabaseSync): number {
  const username = 'local';
  const row = db.prepare('SELECT actor FROM user WHERE username = ?').get(username);
  if (row) return Number(row.actor);
  const actor = insert(db, 'actor');
  insert(db, 'user', { created_at: new Date().toISOString(), username, email: 'local@example.com', actor });
  return actor;
}

/**
 * Adds the fleet where missing. If services are missing, adds a release with the earlier services and the missing ones.
 *
 * @param slug `organization/name`
 * @returns the fleet's id
 */
export function addFleet(db: DatabaseSync, slug: string, services: string[]): number {
  return transaction(db, () => {
    const id = idOf(db, 'application', 'slug', slug) ?? createFleet(db, slug);
    const all = new Set([...releasedServices(db, id), ...services]);
    if (all.size > releasedServices(db, id).length) releaseToFleet(db, id, [...all]);
    return id;
  });
}

/** Id of the row with this value in a column. */
export function idOf(db: DatabaseSync, table: string, column: string, value: string): number | undefined {
  const row = db.prepare(`SELECT id FROM ${table} WHERE ${column} = ?`).get(value);
  return row ? Number(row.id) : undefined;
}

/** Adds a fleet without services, because no release exists yet. */
export function insertFleet(
  db: DatabaseSync,
  organization: number,
  name: string,
  slug: string,
  deviceType: number,
): number {
  return insert(db, 'application', {
    created_at: new Date().toISOString(),
    actor: insert(db, 'actor'),
    app_name: name,
    slug,
    uuid: randomUUID().replaceAll('-', ''),
    organization,
    is_for__device_type: deviceType,
    is_of__class: 'fleet',
    is_host: false,
    is_archived: false,
    is_public: false,
    should_track_latest_release: true,
  });
}

function createFleet(db: DatabaseSync, slug: string, deviceType = 'raspberrypi4-64'): number {
  const [handle = '', name = ''] = slug.split('/');
  const created_at = new Date().toISOString();
  const organization =
    idOf(db, 'organization', 'handle', handle) ??
    insert(db, 'organization', { created_at, name: handle, handle });
  return insertFleet(db, organization, name, slug, idOf(db, 'device_type', 'slug', deviceType) ?? 0);
}

/**
 * Gives an actor (a user, fleet or device) a further API key of 32 characters, the length of balena's keys. @returns
 * the key
 */
export function addKey(
  db: DatabaseSync,
  actor: number,
  expiryDate: string | null = null,
  key = newKey(),
): string {
  db.prepare('INSERT INTO api_key (key, actor, expiry_date) VALUES (?, ?, ?)').run(key, actor, expiryDate);
  return key;
}

/** The oldest key of an actor. An actor without a key gets a new key. */
export function firstKey(db: DatabaseSync, actor: number): string {
  const row = db.prepare('SELECT key FROM api_key WHERE actor = ? ORDER BY rowid LIMIT 1').get(actor);
  return row ? String(row.key) : addKey(db, actor);
}

function newKey(): string {
  return randomBytes(16).toString('hex');
}
