import type { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import type { Answer } from '../../faults/asked.js';
import { addKey } from '../data/addKey.js';
import type { Viewer } from '../data/visible.js';
import { PlainTextError, RequestError } from '../refusal.js';

const expiry = z.iso.datetime('Key expiry date should be a valid date').nullish();

const generic = z.object({
  actorType: z.enum(['application', 'device'], 'Unsupported actor type'),
  actorTypeId: z.int('Actor type id must be a number'),
  roles: z.tuple([z.string()], 'API Keys currently only support a single role'),
  expiryDate: expiry,
});

const forDevice = z.object({ expiryDate: expiry }).nullish();

/** `POST /api-key/v2/`: a provisioning key of a fleet, or a key of a device. Only users may make keys. */
export function createKey(db: DatabaseSync, viewer: Viewer, body: unknown): Answer {
  const { actorType, actorTypeId, roles, expiryDate } = parse(generic, body);
  const role = { application: 'provisioning-api-key', device: 'device-api-key' }[actorType];
  if (roles[0] !== role) throw new PlainTextError(404, `Role '${roles[0]}' not found`);
  return keyFor(db, viewer, actorType, actorTypeId, expiryDate);
}

/** `POST /api-key/device/{id}/device-key` */
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
