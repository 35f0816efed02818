import type { DatabaseSync } from 'node:sqlite';
import { insert } from './database.js';

/**
 * Adds a release of an application. The devices of a fleet run the newest release, unless a device is pinned.
 *
 * @param services ids of the services in the release
 * @returns the release's id
 */
export function addRelease(
  db: DatabaseSync,
  application: number,
  services: number[],
  version: string | null = null,
): number {
  const release = insert(db, 'release', {
    created_at: new Date().toISOString(),
    belongs_to__application: application,
    raw_version: version,
    status: 'success',
  });
  for (const service of services) insert(db, 'release_service', { release, service });
  db.prepare('UPDATE application SET should_be_running__release = ? WHERE id = ?').run(release, application);
  return release;
}

/**
 * Adds the installs that devices lack: one for each service of the target releases of the fleet, the host OS and the
 * supervisor. An install of an earlier release stays, with its variables.
 *
 * With the setting `lateMs`, the new installs have a time in the future. Clients do not see an install before its time.
 *
 * @param devices ids
 */
export function installTargets(db: DatabaseSync, devices: number[]): void {
  const at = new Date(Date.now() + readLateMs(db)).toISOString();
  db.prepare(`
    INSERT OR IGNORE INTO service_install (created_at, device, installs__service)
    SELECT ?, d.id, rs.service FROM device AS d JOIN application AS a ON a.id = d.belongs_to__application
    JOIN release_service AS rs ON rs.release IN (coalesce(d.is_pinned_on__release, a.should_be_running__release),
      d.should_be_operated_by__release, d.should_be_managed_by__release)
    WHERE d.id IN (SELECT value FROM json_each(?)) ORDER BY d.id, rs.rowid`).run(at, JSON.stringify(devices));
}

const lateSetting = 'installs-late-ms';

/** How late new installs come, ms. balena can create installs in a background task. */
export function readLateMs(db: DatabaseSync): number {
  return Number(db.prepare('SELECT value FROM setting WHERE name = ?').get(lateSetting)?.value ?? 0);
}

/** Sets how late installs come, ms. The installs that have not come yet come after this time at the latest. */
export function setLateMs(db: DatabaseSync, lateMs: number): void {
  db.prepare('INSERT OR REPLACE INTO setting (name, value) VALUES (?, ?)').run(lateSetting, lateMs);
  const latest = new Date(Date.now() + lateMs).toISOString();
  db.prepare('UPDATE service_install SET created_at = ? WHERE created_at > ?').run(latest, latest);
}

/** Adds a release with exactly these services to a fleet, and the installs of the new services to the fleet's devices. */
export function releaseToFleet(db: DatabaseSync, application: number, services: string[]): void {
  addRelease(
    db,
    application,
    services.map((name) => ensureService(db, application, name)),
  );
  const devices = db.prepare('SELECT id FROM device WHERE belongs_to__application = ?').all(application);
  installTargets(
    db,
    devices.map(({ id }) => Number(id)),
  );
}

/** @returns the service's id */
export function ensureService(db: DatabaseSync, application: number, name: string): number {
  const known = db
    .prepare('SELECT id FROM service WHERE application = ? AND service_name = ?')
    .get(application, name);
  if (known) return Number(known.id);
  return insert(db, 'service', { created_at: new Date().toISOString(), application, service_name: name });
}

/** The names of the services in the release that a fleet runs. */
export function releasedServices(db: DatabaseSync, application: number): string[] {
  const rows = db.prepare(`
    SELECT service_name FROM application AS a JOIN release_service AS rs ON rs.release = a.should_be_running__release
    JOIN service AS s ON s.id = rs.service WHERE a.id = ? ORDER BY rs.rowid`);
  return rows.all(application).map(({ service_name }) => String(service_name));
}

/** The values with which a PATCH has changed devices. */
export type DeviceChange = Record<string, unknown>;

/**
 * Does what the API itself does after a change of devices. The first report of an OS version and variant makes the host
 * OS's release a target of the device. The first report of a supervisor version does the same for the supervisor. A move
 * to another fleet removes the installs of the earlier fleet, with their variables.
 */
export function followDeviceChange(db: DatabaseSync, devices: number[], change: DeviceChange): void {
  const ids = JSON.stringify(devices);
  if (change.belongs_to__application !== undefined) leaveFleet(db, ids);
  if (change.os_version && change.os_variant)
    setSystemRelease(db, ids, 'should_be_operated_by__release', hostApps, String(change.os_version));
  if (change.supervisor_version)
    setSystemRelease(
      db,
      ids,
      'should_be_managed_by__release',
      supervisorApps,
      String(change.supervisor_version),
    );
  installTargets(db, devices);
}

function leaveFleet(db: DatabaseSync, ids: string): void {
  db.prepare(`
    UPDATE device SET is_pinned_on__release = NULL WHERE id IN (SELECT value FROM json_each(?))`).run(ids);
  db.prepare(`
    DELETE FROM service_install WHERE id IN (SELECT i.id FROM service_install AS i JOIN device AS d ON d.id = i.device
      JOIN service AS s ON s.id = i.installs__service JOIN application AS a ON a.id = s.application
      WHERE d.id IN (SELECT value FROM json_each(?)) AND a.is_of__class = 'fleet' AND a.id <> d.belongs_to__application)`).run(
    ids,
  );
}

/** The application of the host OS of device `d`: the application for the device's type. */
const hostApps =
  'SELECT a.id FROM application AS a WHERE a.is_host AND a.is_for__device_type = d.is_of__device_type';

/** The application of the supervisor of device `d`: the application for the architecture of the device's type. */
const supervisorApps = `
  SELECT a.id FROM application AS a JOIN device_type AS own ON own.id = d.is_of__device_type
  JOIN device_type AS t ON t.id = a.is_for__device_type
  WHERE a.is_of__class = 'app' AND NOT a.is_host AND t.is_of__cpu_architecture = own.is_of__cpu_architecture`;

function setSystemRelease(
  db: DatabaseSync,
  ids: string,
  link: string,
  applications: string,
  version: string,
): void {
  const without = `d.${link} IS NULL AND d.id IN (SELECT value FROM json_each(?))`;
  const found = db.prepare(
    `SELECT DISTINCT (${applications}) AS application FROM device AS d WHERE ${without}`,
  );
  const set = db.prepare(`UPDATE device AS d SET ${link} = ? WHERE ${without} AND (${applications}) = ?`);
  for (const { application } of found.all(ids)) {
    if (application != null) set.run(systemRelease(db, Number(application), version), ids, application);
  }
}

/** The release of a host OS or supervisor with this version. balena has a release for each version. */
function systemRelease(db: DatabaseSync, application: number, version: string): number {
  const known = db
    .prepare('SELECT id FROM release WHERE belongs_to__application = ? AND raw_version = ?')
    .get(application, version);
  if (known) return Number(known.id);
  const services = db.prepare('SELECT id FROM service WHERE application = ?').all(application);
  return addRelease(
    db,
    application,
    services.map(({ id }) => Number(id)),
    version,
  );
}
