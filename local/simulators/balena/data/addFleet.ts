import { randomUUID } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { insert, transaction } from './openDatabase.js';

/**
 * Makes sure that there is a fleet with these services, and that they are installed on its devices.
 *
 * @param slug `organization/name`
 * @returns its id
 */
export function addFleet(db: DatabaseSync, slug: string, services: string[]): number {
  return transaction(db, () => {
    const id = idOf(db, 'application', 'slug', slug) ?? createFleet(db, slug);
    for (const service of services) addService(db, id, service);
    return id;
  });
}

/** Id of the row whose column has this value. */
export function idOf(db: DatabaseSync, table: string, column: string, value: string): number | undefined {
  const row = db.prepare(`SELECT id FROM ${table} WHERE ${column} = ?`).get(value);
  return row ? Number(row.id) : undefined;
}

/** Adds a fleet without services: nothing was released to it yet. */
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
