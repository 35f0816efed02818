import type { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import type { Answer } from '../../faults/asked.js';
import { addDevice } from '../data/addDevice.js';
import { idOf } from '../data/addFleet.js';
import { isDuplicate } from '../data/openDatabase.js';
import type { Viewer } from '../data/visible.js';
import { PlainTextError, RequestError } from '../refusal.js';

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
 * `POST /device/register`: 201 with `{id, uuid, api_key}`. Users and the provisioning keys of its fleet may register a device.
 *
 * @throws Refusal 400 for missing or malformed fields, 401 for another fleet's key, 409 for a uuid that is taken
 */
export function registerDevice(db: DatabaseSync, viewer: Viewer, asked: unknown): Answer {
  const given = body.safeParse(asked);
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
    const device = addDevice(db, { application, uuid, deviceType, apiKey: api_key, details: set });
    return { status: 201, body: { id: device.id, uuid: device.uuid, api_key: device.apiKey } };
  } catch (error) {
    if (isDuplicate(error)) throw new PlainTextError(409, '"uuid" must be unique.');
    throw error;
  }
}
