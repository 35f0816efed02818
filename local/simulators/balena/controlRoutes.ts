import type { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import { BadRequest, type Routes } from '../shared/startControl.js';
import { addDevice, addFleet, firstKey, idOf } from './addRows.js';
import type { Throttle } from './createHandle.js';
import { isDuplicate, transaction } from './database.js';
import { shortUuid } from './handleOData.js';

const uuid = z
  .string()
  .regex(/^[a-f0-9]{32}([a-f0-9]{30})?$/, 'send 32 or 62 hexadecimal digits, lower case');
const slug = z.string().regex(/^[a-z0-9_-]+\/[a-z0-9_-]+$/, 'send organization/name, lower case');
const fleetBody = z.strictObject({
  slug,
  services: z.array(z.string()).default([]),
  /** Whether the fleet is visible to everybody. */
  isPublic: z.boolean().default(false),
});
const devicesBody = z.strictObject({
  fleet: slug.optional(),
  count: z.int().min(1).max(1_000_000).optional(),
  uuids: z.array(uuid).optional(),
});
const variablesBody = z.strictObject({
  service: z.string().default(''),
  variables: z.record(z.string(), z.string().nullable()),
});
const throttleBody = z.strictObject({
  requestsPerMinute: z.number().positive().nullable(),
  windowSeconds: z.number().positive().optional(),
});

/**
 * The routes of balena's control server, in addition to faults and request counts (see startControl.ts). The routes
 * change data without the API: the changes are neither throttled nor counted.
 *
 * | request | |
 * |---|---|
 * | `GET /throttle`, `PUT /throttle` | `{requestsPerMinute: 600}`, for each caller; null: no limit. `windowSeconds` for tests |
 * | `GET /fleets` | `[{slug, services, devices, provisioningKey}]`; `devices` is a count |
 * | `POST /fleets` | `{slug, services}`: adds the fleet and the services where missing |
 * | `POST /devices` | `{fleet?, count}` or `{fleet?, uuids}`: registers devices. Answers `[{uuid, apiKey}]` |
 * | `GET /devices/{uuid}` | `{uuid, fleet, apiKey, variables: {"": {…}, main: {…}}}`; `""` is the device level |
 * | `DELETE /devices/{uuid}` | removes the device with all variables and keys |
 * | `PUT /devices/{uuid}/variables` | `{service?, variables: {NAME: value or null to remove}}`; without a service the device level |
 */
export function controlRoutes(
  db: DatabaseSync,
  throttle: Throttle,
  defaultFleet: string,
  onEvent: (line: string) => void,
): Routes {
  const fleetId = (name: string) => {
    const id = idOf(db, 'application', 'slug', name);
    if (id === undefined) throw new BadRequest(`send a known fleet, not ${name}`);
    return id;
  };
  const deviceOf = (name = '') => {
    const row = db
      .prepare('SELECT id, actor, belongs_to__application AS fleet FROM device WHERE uuid = ?')
      .get(name);
    if (!row) throw new BadRequest(`send the uuid of a known device, not ${name}`);
    return { id: Number(row.id), actor: Number(row.actor), fleet: Number(row.fleet), uuid: name };
  };

  return {
    'GET /throttle': () => throttle.rate(),
    'PUT /throttle': ({ body }) => throttle.setRate(throttleBody.parse(body)),
    'GET /fleets': () => listFleets(db),
    'POST /fleets': ({ body }) => {
      const given = fleetBody.parse(body);
      const id = addFleet(db, given.slug, given.services);
      db.prepare('UPDATE application SET is_public = ? WHERE id = ?').run(given.isPublic ? 1 : 0, id);
    },
    'POST /devices': ({ body }) => {
      const { fleet = defaultFleet, count = 1, uuids } = devicesBody.parse(body);
      const application = fleetId(fleet);
      const wanted = uuids ?? Array.from({ length: count }, () => undefined);
      try {
        const added = transaction(db, () => wanted.map((each) => addDevice(db, { application, uuid: each })));
        onEvent(`${added.length} devices added to ${fleet}`);
        return added.map(({ uuid, apiKey }) => ({ uuid, apiKey }));
      } catch (error) {
        if (isDuplicate(error)) throw new BadRequest('send uuids that are not taken');
        throw error;
      }
    },
    'GET /devices/{uuid}': ({ params }) => {
      const { id, actor, fleet, uuid } = deviceOf(params.uuid);
      const row = db.prepare('SELECT slug FROM application WHERE id = ?').get(fleet);
      return { uuid, fleet: row?.slug, apiKey: firstKey(db, actor), variables: readVariables(db, id) };
    },
    'DELETE /devices/{uuid}': ({ params }) => {
      const { id, uuid } = deviceOf(params.uuid);
      db.prepare('DELETE FROM device WHERE id = ?').run(id);
      onEvent(`device ${shortUuid(uuid)} removed`);
    },
    'PUT /devices/{uuid}/variables': ({ params, body }) => {
      const { id, uuid } = deviceOf(params.uuid);
      const { service, variables } = variablesBody.parse(body);
      if (!setVariables(db, id, service, variables))
        throw new BadRequest(`send a service of its fleet, not ${service}`);
      onEvent(`${Object.keys(variables).join(', ')} set for device ${shortUuid(uuid)}`);
    },
  };
}

function listFleets(db: DatabaseSync) {
  const services = db.prepare('SELECT service_name FROM service WHERE application = ? ORDER BY id');
  const devices = db.prepare('SELECT count(*) AS n FROM device WHERE belongs_to__application = ?');
  const fleets = db.prepare('SELECT id, slug, actor FROM application ORDER BY id').all();
  return fleets.map(({ id = null, slug, actor }) => ({
    slug,
    services: services.all(id).map(({ service_name }) => service_name),
    devices: devices.get(id)?.n,
    provisioningKey: firstKey(db, Number(actor)),
  }));
}

/** Values by name. */
export type Variables = Record<string, string>;

/** All variables of a device by service; `''` is the device level. @param device id of the device */
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
 * Sets variables without checking names or values; null removes a variable.
 *
 * @param device id of the device
 * @param service `''` for the device level
 * @returns false if the service is not installed on the device
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
