import type { DatabaseSync } from 'node:sqlite';
import { transaction } from './openDatabase.js';

/** Values by name. */
export type Variables = Record<string, string>;

/** All variables of a device by service; `''` is the device level. @param device id */
export function readVariables(db: DatabaseSync, device: number): Record<string, Variables> {
  const rows = db.prepare(`
    SELECT '' AS service, name, value FROM device_environment_variable WHERE device = :device
    UNION ALL
    SELECT service_name, name, value FROM device_service_environment_variable AS v
      JOIN service_install AS i ON i.id = v.service_install
      JOIN service AS s ON s.id = i.installs__service WHERE i.device = :device`);
  const found: Record<string, Variables> = {};
  for (const { service, name, value } of rows.all({ device })) {
    found[String(service)] ??= {};
    found[String(service)]![String(name)] = String(value);
  }
  return found;
}

/**
 * Sets variables without asking what they may be; null removes one.
 *
 * @param device id
 * @param service `''` for the device level
 * @returns whether that service is installed on the device
 */
export function setVariables(
  db: DatabaseSync,
  device: number,
  service: string,
  variables: Record<string, string | null>,
): boolean {
  const installed = db.prepare(`
    SELECT i.id FROM service_install AS i JOIN service AS s ON s.id = i.installs__service
    WHERE i.device = ? AND s.service_name = ?`);
  const parent = service === '' ? device : installed.get(device, service)?.id;
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
