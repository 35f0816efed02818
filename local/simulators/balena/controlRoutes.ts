import type { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import { BadRequest, type Routes } from '../shared/startControl.js';
import { addDevices, firstReport } from './addDevices.js';
import { addFleet, addKey, firstKey, idOf, userActor } from './addRows.js';
import type { Throttle } from './createHandle.js';
import { isDuplicate, transaction } from './database.js';
import { shortUuid } from './handleOData.js';
import { followDeviceChange, readLateMs, releasedServices, releaseToFleet, setLateMs } from './installs.js';
import { setRights } from './keyRights.js';
import { readNewVariables, readVariables, setVariables } from './variables.js';
import type { Rights } from './visible.js';

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
  /** Whether the devices have reported their OS. Default: the option of the simulator. */
  reported: z.boolean().optional(),
});
const variablesBody = z.strictObject({
  /** Slug. Default: the device's fleet. */
  application: slug.optional(),
  service: z.string().default(''),
  variables: z.record(z.string(), z.string().nullable()),
});
const slugBody = z.object({ slug: z.string() });
const releaseBody = z.strictObject({ fleet: slug, services: z.array(z.string()) });
const reportBody = z.strictObject({
  os_version: z.string().default(firstReport.os_version),
  os_variant: z.string().default(firstReport.os_variant),
  supervisor_version: z.string().default(firstReport.supervisor_version),
});
const moveBody = z.strictObject({ fleet: slug });
const installsBody = z.strictObject({ lateMs: z.int().min(0) });
const rowId = z.string().regex(/^\d+$/, 'send the id of a row').transform(Number);
/** The fleets that a key may read, and the fleets that the key may read and write; null for all rights. */
const rightsBody = z
  .strictObject({ reads: z.array(slug).default([]), writes: z.array(slug).default([]) })
  .nullable();
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
 * | `POST /fleets` | `{slug, services}`: adds the fleet, and a release with the missing services |
 * | `DELETE /fleets` | `{slug}`: removes the fleet with its devices |
 * | `POST /releases` | `{fleet, services}`: a release with exactly these services becomes the fleet's target |
 * | `GET /installs`, `PUT /installs` | `{lateMs: 2000}`: installs that are new or have not come yet come so late; default 0 |
 * | `POST /keys` | `{reads: [slug], writes: [slug]}`: a user's key with conditional rights. Answers `{apiKey}` |
 * | `PUT /keys/{apiKey}` | the same for a key that exists; null for all rights |
 * | `POST /devices` | `{fleet?, count}` or `{fleet?, uuids}`: registers devices. Answers `[{uuid, apiKey}]`. `reported: false` for devices without a report of their OS |
 * | `GET /devices/{uuid}` | `{uuid, fleet, apiKey, variables: {"": {…}, main: {…}}, foreignVariables: {"balena_os/…": {main: {…}}}}`; `""` is the device level |
 * | `DELETE /devices/{uuid}` | removes the device with all variables and keys |
 * | `PUT /devices/{uuid}/report` | `{os_version?, os_variant?, supervisor_version?}`: the device reports its OS |
 * | `PUT /devices/{uuid}/fleet` | `{fleet}`: moves the device |
 * | `PUT /devices/{uuid}/variables` | `{application?, service?, variables: {NAME: value or null to remove}}`; without a service the device level |
 * | `GET /variables?after={id}` | `[{id, uuid, name}]`: the service variables that were added after the variable with this id |
 */
export function controlRoutes(
  db: DatabaseSync,
  throttle: Throttle,
  { fleet: defaultFleet, reported: reportedByDefault }: { fleet: string; reported: boolean },
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
    'DELETE /fleets': ({ body }) => {
      const { slug } = slugBody.parse(body);
      db.prepare('DELETE FROM application WHERE id = ?').run(fleetId(slug));
      onEvent(`fleet ${slug} removed`);
    },
    'POST /releases': ({ body }) => {
      const { fleet, services } = releaseBody.parse(body);
      const id = fleetId(fleet);
      transaction(db, () => releaseToFleet(db, id, services));
    },
    'GET /installs': () => ({ lateMs: readLateMs(db) }),
    'PUT /installs': ({ body }) => setLateMs(db, installsBody.parse(body).lateMs),
    'POST /keys': ({ body }) => {
      const rights = rightsBody.parse(body);
      const apiKey = addKey(db, userActor(db));
      setRights(db, apiKey, rights && idsOf(rights, fleetId));
      return { apiKey };
    },
    'PUT /keys/{apiKey}': ({ params: { apiKey = '' }, body }) => {
      const rights = rightsBody.parse(body);
      if (!db.prepare('SELECT 1 FROM api_key WHERE key = ?').get(apiKey))
        throw new BadRequest('send a known key');
      setRights(db, apiKey, rights && idsOf(rights, fleetId));
    },
    'POST /devices': ({ body }) => {
      const given = devicesBody.parse(body);
      const { fleet = defaultFleet, count = 1, uuids, reported = reportedByDefault } = given;
      const details = reported ? firstReport : {};
      const application = fleetId(fleet);
      const wanted = uuids ?? Array.from({ length: count }, () => undefined);
      try {
        const added = addDevices(
          db,
          wanted.map((each) => ({ application, uuid: each })),
          details,
        );
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
      return { uuid, fleet: row?.slug, apiKey: firstKey(db, actor), ...readVariables(db, id) };
    },
    'DELETE /devices/{uuid}': ({ params }) => {
      const { id, uuid } = deviceOf(params.uuid);
      db.prepare('DELETE FROM device WHERE id = ?').run(id);
      onEvent(`device ${shortUuid(uuid)} removed`);
    },
    'GET /variables': ({ query }) => readNewVariables(db, rowId.parse(query.get('after') ?? '0')),
    'PUT /devices/{uuid}/report': ({ params, body }) => {
      const { id } = deviceOf(params.uuid);
      changeDevice(db, id, reportBody.parse(body ?? {}));
    },
    'PUT /devices/{uuid}/fleet': ({ params, body }) => {
      const { id, uuid } = deviceOf(params.uuid);
      const { fleet } = moveBody.parse(body);
      changeDevice(db, id, { belongs_to__application: fleetId(fleet) });
      onEvent(`device ${shortUuid(uuid)} moved to ${fleet}`);
    },
    'PUT /devices/{uuid}/variables': ({ params, body }) => {
      const { id, uuid, fleet } = deviceOf(params.uuid);
      const { application, service, variables } = variablesBody.parse(body);
      const place = { device: id, application: application ? fleetId(application) : fleet, service };
      if (!setVariables(db, place, variables))
        throw new BadRequest(`send a service that is installed on the device, not ${service}`);
      onEvent(`${Object.keys(variables).join(', ')} set for device ${shortUuid(uuid)}`);
    },
  };
}

function changeDevice(db: DatabaseSync, id: number, change: Record<string, string | number>): void {
  const set = Object.keys(change).map((name) => `${name} = ?`);
  transaction(db, () => {
    db.prepare(`UPDATE device SET ${set.join(', ')} WHERE id = ?`).run(...Object.values(change), id);
    followDeviceChange(db, [id], change);
  });
}

function idsOf(
  { reads, writes }: { reads: string[]; writes: string[] },
  fleetId: (slug: string) => number,
): Rights {
  return { read: [...reads, ...writes].map(fleetId), write: writes.map(fleetId) };
}

function listFleets(db: DatabaseSync) {
  const devices = db.prepare('SELECT count(*) AS n FROM device WHERE belongs_to__application = ?');
  const fleets = db
    .prepare("SELECT id, slug, actor FROM application WHERE is_of__class = 'fleet' ORDER BY id")
    .all();
  return fleets.map(({ id = null, slug, actor }) => ({
    slug,
    services: releasedServices(db, Number(id)),
    devices: devices.get(id)?.n,
    provisioningKey: firstKey(db, Number(actor)),
  }));
}
