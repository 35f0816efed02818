import { z } from 'zod';
import type { Answer } from '../../faults/asked.js';
import { insertFleet } from '../data/addFleet.js';
import { isDuplicate, transaction } from '../data/openDatabase.js';
import { type Reading, readRows } from '../data/readRows.js';
import { equals } from '../odata/equals.js';
import { noOptions } from '../odata/parseOption.js';
import { RequestError } from '../refusal.js';

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

/** `POST /v7/application`, as `models.application.create` sends it: a fleet without services, since nothing was released to it. */
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
