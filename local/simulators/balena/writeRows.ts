import type { DatabaseSync } from 'node:sqlite';
import type { Answer } from '../shared/requests.js';
import { resourceOf } from './compileFilter.js';
import { insert, isDuplicate, toColumn, transaction, type Value } from './database.js';
import { followDeviceChange } from './installs.js';
import type { FieldType } from './model.js';
import { equals, noOptions, type Query } from './query.js';
import { type Reading, readIds, readRows } from './readRows.js';
import { notSupported, RequestError, unknownProperty } from './requestError.js';
import { visible } from './visible.js';
import { type Writable, writable } from './writeRules.js';

type Values = Record<string, Value>;

/**
 * POST: 201 with the row; 409 for a natural key in use, and for a user's request about a device that does not exist; 401
 * if the viewer may not write the parent row, or if the service install does not exist.
 */
export function createRow(reading: Reading, query: Query, body: unknown): Answer {
  const { resource } = query;
  const { create, parent, check } = rulesOf(resource);
  if (!create) throw notSupported(`POST of ${resource}`);
  const values = readValues(resource, body, create);
  for (const name of create)
    if (values[name] == null) throw new RequestError(400, `"${name}" cannot be null.`);
  check?.(values, resource);
  const { fields, links } = resourceOf(resource);
  if (parent) expectWritable(reading, links[parent] ?? '', Number(values[parent]));
  const now = new Date().toISOString();
  const id = unlessDuplicate(resource, () =>
    insert(reading.db, resource, fields.created_at ? { created_at: now, ...values } : values),
  );
  if (!query.returnResource) return { status: 201, body: { id } };
  const [row] = readRows(reading, resource, { ...noOptions(), filter: equals('id', id) });
  return { status: 201, body: row };
}

/**
 * PATCH: 200 without a body, even without a matching row. A row that the viewer may read and not write does not match.
 *
 * @returns the ids of the changed rows
 */
export function updateRows(reading: Reading, query: Query, body: unknown): number[] {
  const { resource } = query;
  const { update, check } = rulesOf(resource);
  const values = readValues(resource, body, update);
  for (const [name, value] of Object.entries(values)) {
    if (value === null && !nullable.includes(name)) throw new RequestError(400, `"${name}" cannot be null.`);
  }
  check?.(values, resource);
  if (resource === 'device' && values.belongs_to__application !== undefined)
    expectWritable(reading, 'application', Number(values.belongs_to__application));
  const ids = readIds(reading, resource, query);
  const names = Object.keys(values);
  if (names.length === 0 || ids.length === 0) return ids;
  const set = names.map((name) => `${name} = ?`).join(', ');
  const sql = `UPDATE ${resource} SET ${set} WHERE id IN (SELECT value FROM json_each(?))`;
  const columns = Object.values(values).map(toColumn);
  unlessDuplicate(resource, () =>
    transaction(reading.db, () => {
      reading.db.prepare(sql).run(...columns, JSON.stringify(ids));
      if (resource === 'device') followDeviceChange(reading.db, ids, values);
      if (resource === 'application') followNames(reading.db, ids);
    }),
  );
  return ids;
}

const nullable = ['note', 'is_pinned_on__release'];

/** The slug of a fleet follows its name, in lower case. */
function followNames(db: DatabaseSync, applications: number[]): void {
  db.prepare(`
    UPDATE application SET slug = (SELECT handle FROM organization AS o WHERE o.id = organization) || '/' || lower(app_name)
    WHERE id IN (SELECT value FROM json_each(?))`).run(JSON.stringify(applications));
}

/**
 * DELETE: 200 without a body, even without a matching row. Devices cannot delete themselves.
 *
 * @param before called when the delete is certain to happen, while the rows still exist
 */
export function deleteRows(
  { db, viewer }: Reading,
  { resource }: Query,
  ids: number[],
  before: () => void,
): void {
  if (!rulesOf(resource).canDelete) throw notSupported(`DELETE of ${resource}`);
  if (resource === 'device' && viewer.actorType !== 'user') throw new RequestError(401);
  before();
  db.prepare(`DELETE FROM ${resource} WHERE id IN (SELECT value FROM json_each(?))`).run(JSON.stringify(ids));
}

function rulesOf(resource: string): Writable {
  resourceOf(resource);
  const rules = writable[resource];
  if (!rules) throw notSupported(`writing ${resource}`);
  return rules;
}

function readValues(resource: string, body: unknown, allowed: string[]): Values {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new RequestError(400, 'Malformed body: send an object');
  const { fields, links } = resourceOf(resource);
  const values: Values = {};
  for (const [name, value] of Object.entries(body)) {
    if (!fields[name] && !links[name]) throw unknownProperty(`${resource} has no property ${name}`);
    if (!allowed.includes(name)) throw notSupported(`writing ${name} of ${resource}`);
    const type = links[name] ? 'integer' : fields[name]!;
    if (value !== null && !hasType(value, type))
      throw new RequestError(400, `"${name}" is not ${nouns[type]}: ${typeof value}`);
    values[name] = value as Value;
  }
  return values;
}

const nouns: Record<FieldType, string> = {
  integer: 'a number',
  text: 'a string',
  boolean: 'a boolean',
  date: 'a date',
};

function hasType(value: unknown, type: FieldType): boolean {
  if (type === 'integer') return Number.isSafeInteger(value);
  return typeof value === (type === 'boolean' ? 'boolean' : 'string');
}

function expectWritable({ db, viewer }: Reading, resource: string, id: number): void {
  const sql = `SELECT 1 FROM ${resource} AS r WHERE r.id = ? AND ${visible(viewer, resource, 'r', 'write')}`;
  if (db.prepare(sql).get(id)) return;
  const exists = db.prepare(`SELECT 1 FROM ${resource} WHERE id = ?`).get(id);
  if (resource === 'device' && viewer.actorType === 'user' && !exists)
    throw new RequestError(409, 'Data is referenced by device.');
  throw new RequestError(401);
}

/** Uses the words of pinejs for a natural key in use: the SDK's upsert looks for "unique" in the message. */
function unlessDuplicate<T>(resource: string, write: () => T): T {
  try {
    return write();
  } catch (error) {
    if (!isDuplicate(error)) throw error;
    const key = uniqueNames[resource] ?? resourceOf(resource).unique[0] ?? [];
    throw new RequestError(409, `${key.map((name) => `"${name}"`).join(' and ')} must be unique.`);
  }
}

/** Natural keys in the error text, where balena's text differs from the simulated key. */
const uniqueNames: Record<string, string[]> = {
  device_service_environment_variable: ['device', 'service', 'name'],
};
