import type { DatabaseSync } from 'node:sqlite';
import type { ReceivedRequest } from '../shared/requests.js';
import { findViewer } from './createHandle.js';
import { parseQuery } from './parseQuery.js';
import { readRows } from './readRows.js';
import { RequestError } from './requestError.js';
import type { Viewer } from './visible.js';

/** Sees everything, so that the subjects do not depend on the rights of the caller. */
const everything: Viewer = { actorType: 'user', actor: 0, id: 0 };

/** For each resource, the statement from the ids of rows (a JSON array) to the devices of these rows. */
const devicesOf: Record<string, string> = {
  device: 'SELECT value FROM json_each(?)',
  device_environment_variable:
    'SELECT device FROM device_environment_variable WHERE id IN (SELECT value FROM json_each(?))',
  service_install: 'SELECT device FROM service_install WHERE id IN (SELECT value FROM json_each(?))',
  device_service_environment_variable: `
    SELECT device FROM device_service_environment_variable AS v JOIN service_install AS i ON i.id = v.service_install
    WHERE v.id IN (SELECT value FROM json_each(?))`,
};

/**
 * The subjects of a request, for faults that hit one device or one fleet only (see faults.ts): the uuid, if the request
 * is about a single device, and the slug, if the request is about a single fleet.
 */
export function subjectsOf(db: DatabaseSync, request: ReceivedRequest): string[] {
  try {
    if (request.path.startsWith('/v7/')) return subjectsOfRows(db, request);
    const viewer = findViewer(db, request);
    return viewer.actorType === 'device' ? subjectsOfDevices(db, [viewer.id]) : [];
  } catch (error) {
    // The handler refuses a request that cannot be parsed, or with an unknown key. Such a request has no subject.
    if (error instanceof RequestError) return [];
    throw error;
  }
}

function subjectsOfRows(db: DatabaseSync, { method, path, search, body }: ReceivedRequest): string[] {
  const { resource, ...options } = parseQuery(path.replace(/^\/v7\//, ''), search);
  if (method === 'POST') return subjectsOfDevices(db, [parentDevice(db, body)]);
  const rows = readRows({ db, viewer: everything }, resource, {
    ...options,
    select: ['id'],
    expand: new Map(),
  });
  const ids = rows.map(({ id }) => Number(id));
  if (resource === 'application') return slugsOf(db, ids);
  const statement = devicesOf[resource];
  if (!statement) return [];
  const devices = db.prepare(`SELECT DISTINCT id FROM device WHERE id IN (${statement})`);
  return subjectsOfDevices(
    db,
    devices.all(JSON.stringify(ids)).map(({ id }) => Number(id)),
  );
}

/** The device below which a POST adds a variable. */
function parentDevice(db: DatabaseSync, body: string): number {
  const { device, service_install } = parsed(body);
  if (service_install === undefined) return Number(device);
  return Number(
    db.prepare('SELECT device FROM service_install WHERE id = ?').get(Number(service_install))?.device,
  );
}

function parsed(body: string): { device?: unknown; service_install?: unknown } {
  try {
    return JSON.parse(body) ?? {};
  } catch {
    return {};
  }
}

function subjectsOfDevices(db: DatabaseSync, devices: number[]): string[] {
  const rows = db.prepare(`
    SELECT uuid, belongs_to__application AS fleet FROM device WHERE id IN (SELECT value FROM json_each(?))`);
  const found = rows.all(JSON.stringify(devices));
  const fleets = [...new Set(found.map(({ fleet }) => Number(fleet)))];
  return [...(found.length === 1 ? [String(found[0]?.uuid)] : []), ...slugsOf(db, fleets)];
}

function slugsOf(db: DatabaseSync, applications: number[]): string[] {
  if (applications.length !== 1) return [];
  const row = db.prepare('SELECT slug FROM application WHERE id = ?').get(applications[0] ?? 0);
  return row ? [String(row.slug)] : [];
}
