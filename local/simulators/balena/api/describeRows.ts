import type { DatabaseSync } from 'node:sqlite';

export type Done = 'stored' | 'changed' | 'removed';

const prepositions: Record<Done, string> = {
  stored: 'stored for',
  changed: 'changed for',
  removed: 'removed from',
};

const places: Record<string, string> = {
  device: 'SELECT r.id, uuid, NULL AS name, NULL AS service FROM device AS r',
  device_environment_variable:
    'SELECT r.id, uuid, name, NULL AS service FROM device_environment_variable AS r JOIN device AS d ON d.id = r.device',
  device_service_environment_variable: `
    SELECT r.id, uuid, name, service_name AS service FROM device_service_environment_variable AS r
    JOIN service_install AS i ON i.id = r.service_install
    JOIN device AS d ON d.id = i.device JOIN service AS s ON s.id = i.installs__service`,
};

/** One line for each row, for people: "variable AZURE_CERT stored for device 1a2b3c4… (service main)". Never a value. */
export function describeRows(db: DatabaseSync, resource: string, ids: number[], done: Done): string[] {
  if (ids.length === 0) return [];
  const rows = db.prepare(`${places[resource]} WHERE r.id IN (SELECT value FROM json_each(?)) ORDER BY r.id`);
  return rows.all(JSON.stringify(ids)).map(({ uuid, name, service }) => {
    const device = `device ${shortUuid(String(uuid))}`;
    if (name === null) return `${device} ${done}`;
    return `variable ${name} ${prepositions[done]} ${device}${service === null ? '' : ` (service ${service})`}`;
  });
}

export function shortUuid(uuid: string): string {
  return `${uuid.slice(0, 7)}…`;
}
