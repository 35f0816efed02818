import { randomBytes, randomUUID } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { insert, transaction, type Value } from './database.js';

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
 * Adds the rows that every database needs before the first fleet: the device types and one user. @returns the user's
 * API key
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
    return firstKey(db, userActor(db));
  });
}

function userActor(db: DatabaseSync): number {
  const username = 'local';
  const row = db.prepare('SELECT actor FROM user WHERE username = ?').get(username);
  if (row) return Number(row.actor);
  const actor = insert(db, 'actor');
  insert(db, 'user', { created_at: new Date().toISOString(), username, email: 'local@example.com', actor });
  return actor;
}

/**
 * Adds the fleet and the services where missing, and installs the services on the fleet's devices.
 *
 * @param slug `organization/name`
 * @returns the fleet's id
 */
export function addFleet(db: DatabaseSync, slug: string, services: string[]): number {
  return transaction(db, () => {
    const id = idOf(db, 'application', 'slug', slug) ?? createFleet(db, slug);
    for (const service of services) addService(db, id, service);
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

function createFleet(db: DatabaseSync, slug: string): number {
  const [handle = '', name = ''] = slug.split('/');
  const created_at = new Date().toISOString();
  const organization =
    idOf(db, 'organization', 'handle', handle) ??
    insert(db, 'organization', { created_at, name: handle, handle });
  return insertFleet(db, organization, name, slug, idOf(db, 'device_type', 'slug', 'raspberrypi4-64') ?? 0);
}

function addService(db: DatabaseSync, application: number, name: string): void {
  const known = db
    .prepare('SELECT id FROM service WHERE application = ? AND service_name = ?')
    .get(application, name);
  if (known) return;
  const created_at = new Date().toISOString();
  const service = insert(db, 'service', { created_at, application, service_name: name });
  db.prepare(
    'INSERT INTO service_install (created_at, device, installs__service) SELECT ?, id, ? FROM device WHERE belongs_to__application = ?',
  ).run(created_at, service, application);
}

export interface NewDevice {
  /** Id of the device's fleet. */
  application: number;
  /** 32 or 62 hexadecimal digits, lower case. Default: 32 random ones. */
  uuid?: string;
  /** Id. Default: the fleet's device type. */
  deviceType?: number;
  /** The device's first API key. Default: a random key. */
  apiKey?: string;
  /** Further columns. */
  details?: Record<string, Value>;
}

export interface AddedDevice {
  id: number;
  uuid: string;
  apiKey: string;
}

/**
 * Registers a device in a fleet. The device runs the fleet's release, and so every service of the fleet is installed
 * on the device.
 */
export function addDevice(db: DatabaseSync, device: NewDevice): AddedDevice {
  const { application, uuid = randomBytes(16).toString('hex'), details = {} } = device;
  const now = new Date().toISOString();
  return transaction(db, () => {
    const fleet = db.prepare('SELECT is_for__device_type FROM application WHERE id = ?').get(application);
    const actor = insert(db, 'actor');
    const id = insert(db, 'device', {
      created_at: now,
      modified_at: now,
      uuid,
      actor,
      device_name: `local-${uuid.slice(0, 7)}`,
      belongs_to__application: application,
      is_of__device_type: device.deviceType ?? Number(fleet?.is_for__device_type),
      is_online: false,
      is_connected_to_vpn: false,
      is_web_accessible: false,
      is_active: true,
      is_frozen: false,
      api_heartbeat_state: 'unknown',
      ...details,
    });
    db.prepare(
      'INSERT INTO service_install (created_at, device, installs__service) SELECT ?, ?, id FROM service WHERE application = ?',
    ).run(now, id, application);
    return { id, uuid, apiKey: addKey(db, actor, null, device.apiKey) };
  });
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
