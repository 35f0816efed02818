import type { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import type { Answer } from '../shared/requests.js';
import { addDevice } from './addDevices.js';
import { addKey, idOf, insertFleet } from './addRows.js';
import { isDuplicate, transaction } from './database.js';
import { equals, noOptions } from './query.js';
import { type Reading, readRows } from './readRows.js';
import { PlainTextError, RequestError } from './requestError.js';
import type { Viewer } from './visible.js';

const shape = z.strictObject({
  app_name: z
    .string()
    .regex(/^[a-zA-Z0-9_-]+$/, 'App name may only contain [a-zA-Z0-9_-].')
    .min(4, 'It is necessary that each application has an app name that has at least 4 characters')
    .max(100, 'It is necessary that each application has an app name that has at most 100 characters'),
  organization: z.int(),
  is_for__device_type: z.int(),
  is_of__class: z.literal('fleet').optional(),
});

/**
 * `POST /v7/application`, as `models.application.create` of the SDK sends the request. The new fleet has no services,
 * because no release exists yet.
 */
export function createFleet(reading: Reading, body: unknown): Answer {
  const { db, viewer } = reading;
  if (viewer.actorType !== 'user') throw new RequestError(401);
  const given = shape.safeParse(body);
  if (!given.success) throw new RequestError(400, given.error.issues[0]?.message);
  const { app_name, organization, is_for__device_type } = given.data;
  const handle = db.prepare('SELECT handle FROM organization WHERE id = ?').get(organization)?.handle;
  const type = db.prepare('SELECT id FROM device_type WHERE id = ?').get(is_for__device_type);
  if (!handle || !type) throw new RequestError(401);
  const slug = `${handle}/${app_name}`.toLowerCase();
  try {
    const id = transaction(db, () => insertFleet(db, organization, app_name, slug, is_for__device_type));
    const filter = equals('id', id);
    return { status: 201, body: readRows(reading, 'application', { ...noOptions(), filter })[0] };
  } catch (error) {
    if (isDuplicate(error)) throw new RequestError(409, '"slug" must be unique.');
    throw error;
  }
}

const details = z.string().nullish();

const body = z.object({
  application: z.int('Application ID must be a valid integer'),
  device_type: z.string('Device type must be specified'),
  uuid: z
    .string('UUID must be specified')
    .regex(
      /^[a-f0-9]{32}([a-f0-9]{30})?$/,
      'Device UUID must be a 32 or 62 character long lower case hex string.',
    ),
  api_key: z.string().optional(),
  supervisor_version: details,
  os_version: details,
  os_variant: details,
  mac_address: details,
});

/**
 * `POST /device/register`: 201 with `{id, uuid, api_key}`. A device can be registered by a user and by a provisioning
 * key of the fleet.
 *
 * @throws RequestError 400 for missing or malformed fields, 401 for another fleet's key, 409 for a uuid in use
 */
export function registerDevice(db: DatabaseSync, viewer: Viewer, requestBody: unknown): Answer {
  const given = body.safeParse(requestBody);
  if (!given.success) throw new PlainTextError(400, given.error.issues[0]?.message ?? 'Bad Request');
  const { application, device_type, uuid, api_key, ...rest } = given.data;

  const known = db.prepare('SELECT id FROM application WHERE id = ?').get(application);
  const mayCreate =
    viewer.actorType === 'user' || (viewer.actorType === 'application' && viewer.id === application);
  if (!known || !mayCreate) throw new RequestError(401);
  const deviceType = idOf(db, 'device_type', 'slug', device_type);
  if (deviceType === undefined) throw new PlainTextError(404, `Cannot find device type ${device_type}`);
  const set = Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, value ?? null]));
  try {
    const device = addDevice(db, { application, uuid, deviceType, apiKey: api_key }, set);
    return { status: 201, body: { id: device.id, uuid: device.uuid, api_key: device.apiKey } };
  } catch (error) {
    if (isDuplicate(error)) throw new PlainTextError(409, '"uuid" must be unique.');
    throw error;
  }
}

const expiry = z.iso.datetime('Key expiry date should be a valid date').nullish();

const generic = z.object({
  actorType: z.enum(['application', 'device'], 'Unsupported actor type'),
  actorTypeId: z.int('Actor type id must be a number'),
  roles: z.tuple([z.string()], 'API Keys currently only support a single role'),
  expiryDate: expiry,
});

const forDevice = z.object({ expiryDate: expiry }).nullish();

/** `POST /api-key/v2/`: makes a provisioning key of a fleet, or a key of a device. Only users may make keys. */
export function createKey(db: DatabaseSync, viewer: Viewer, body: unknown): Answer {
  const { actorType, actorTypeId, roles, expiryDate } = parse(generic, body);
  const role = { application: 'provisioning-api-key', device: 'device-api-key' }[actorType];
  if (roles[0] !== role) throw new PlainTextError(404, `Role '${roles[0]}' not found`);
  return keyFor(db, viewer, actorType, actorTypeId, expiryDate);
}

/** `POST /api-key/device/{id}/device-key`: makes a key of a device. */
export function createDeviceKey(db: DatabaseSync, viewer: Viewer, id: string, body: unknown): Answer {
  if (!/^\d+$/.test(id)) throw new PlainTextError(400, 'Device id must be a number');
  return keyFor(db, viewer, 'device', Number(id), parse(forDevice, body)?.expiryDate);
}

function keyFor(
  db: DatabaseSync,
  viewer: Viewer,
  table: string,
  id: number,
  expiryDate?: string | null,
): Answer {
  if (viewer.actorType !== 'user') throw new RequestError(401);
  const row = db.prepare(`SELECT actor FROM ${table} WHERE id = ?`).get(id);
  if (!row) throw new PlainTextError(500, `No ${table} found to associate with the api key`);
  const key = addKey(db, Number(row.actor), expiryDate ?? null);
  return {
    status: 200,
    headers: { 'content-type': 'application/json; charset=utf-8' },
    body: JSON.stringify(key),
  };
}

function parse<T>(schema: z.ZodType<T>, body: unknown): T {
  const given = schema.safeParse(body);
  if (!given.success) throw new PlainTextError(400, given.error.issues[0]?.message ?? 'Bad Request');
  return given.data;
}
