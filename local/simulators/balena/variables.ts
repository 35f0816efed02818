import type { DatabaseSync } from 'node:sqlite';
import { transaction } from './database.js';

/** Values by name. */
export type Variables = Record<string, string>;

/** Variables of one device. */
export interface DeviceVariables {
  /** By service of the device's fleet; `''` is the device level. */
  variables: Record<string, Variables>;
  /** Variables of other applications, for example of the host OS: by the application's slug, then by service. */
  foreignVariables: Record<string, Record<string, Variables>>;
}

/** All variables of a device. @param device id of the device */
export function readVariables(db: DatabaseSync, device: number): DeviceVariables {
  const rows = db.prepare(`
    SELECT '' AS service, NULL AS foreign_slug, name, value FROM device_environment_variable WHERE device = :device
    UNION ALL
    SELECT service_name, CASE a.id WHEN d.belongs_to__application THEN NULL ELSE a.slug END, name, value
      FROM device_service_environment_variable AS v JOIN service_install AS i ON i.id = v.service_install
      JOIN service AS s ON s.id = i.installs__service JOIN application AS a ON a.id = s.application
      JOIN device AS d ON d.id = i.device WHERE i.device = :device`);
  const found: DeviceVariables = { variables: {}, foreignVariables: {} };
  for (const { service, foreign_slug, name, value } of rows.all({ device })) {
    const slug = foreign_slug === null ? null : String(foreign_slug);
    if (slug !== null) found.foreignVariables[slug] ??= {};
    const services = slug === null ? found.variables : found.foreignVariables[slug]!;
    services[String(service)] ??= {};
    services[String(service)]![String(name)] = String(value);
  }
  return found;
}

/** A variable that a service of a device's fleet has got. */
export interface NewVariable {
  /** The id of the row. A later variable has a higher id. */
  id: number;
  /** The UUID of the device. */
  uuid: string;
  name: string;
}

/**
 * The service variables that were added after another one, the oldest first, without values. A caller that follows a burst reads each
 * variable once, and does not list all devices again and again.
 *
 * @param after the id of the last known variable; 0 for all variables
 */
export function readNewVariables(db: DatabaseSync, after: number): NewVariable[] {
  const rows = db.prepare(`
    SELECT v.id, d.uuid, v.name
      FROM device_service_environment_variable AS v JOIN service_install AS i ON i.id = v.service_install
      JOIN service AS s ON s.id = i.installs__service
      JOIN device AS d ON d.id = i.device AND d.belongs_to__application = s.application
      WHERE v.id > ? ORDER BY v.id`);
  return rows
    .all(after)
    .map(({ id, uuid, name }) => ({ id: Number(id), uuid: String(uuid), name: String(name) }));
}

/** The place of variables on a device. */
export interface VariablePlace {
  /** Id of the device. */
  device: number;
  /** Id of the application of the service. */
  application: number;
  /** `''` for the device level. */
  service: string;
}

/**
 * Sets variables without checking names or values; null removes a variable.
 *
 * @returns false if the service is not installed on the device
 */
export function setVariables(
  db: DatabaseSync,
  { device, application, service }: VariablePlace,
  variables: Record<string, string | null>,
): boolean {
  const installed = db.prepare(`
    SELECT i.id FROM service_install AS i JOIN service AS s ON s.id = i.installs__service
    WHERE i.device = ? AND s.application = ? AND s.service_name = ?`);
  const parent = service === '' ? device : installed.get(device, application, service)?.id;
  if (parent === undefined || parent === null) return false;
  const [table, link] =
    service === ''
      ? ['device_environment_variable', 'device']
      : ['device_service_environment_variable', 'service_install'];
  const store = db.prepare(`
    INSERT INTO ${table} (created_at, ${link}, name, value) VALUES (?, ?, ?, ?)
    ON CONFLICT (${link}, name) DO UPDATE SET value = excluded.value`);
  const remove = db.prepare(`DELETE FROM ${table} WHERE ${link} = ? AND name = ?`);
  transaction(db, () => {
    for (const [name, value] of Object.entries(variables)) {
      if (value === null) remove.run(parent, name);
      else store.run(new Date().toISOString(), parent, name, value);
    }
  });
  return true;
}
