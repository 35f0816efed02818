import type { DatabaseSync } from 'node:sqlite';
import type { Answer, ReceivedRequest } from '../shared/requests.js';
import { resourceOf } from './compileFilter.js';
import { createFleet } from './createEntities.js';
import { parseQuery } from './parseQuery.js';
import type { Query } from './query.js';
import { countRows, type Reading, readIds, readRows } from './readRows.js';
import { notSupported, RequestError } from './requestError.js';
import type { Viewer } from './visible.js';
import { createRow, deleteRows, updateRows } from './writeRows.js';

/**
 * Answers `/v7/…`: GET with `{d: […]}`, POST with the row, PATCH and DELETE with 200 and no body.
 *
 * @param onEvent called with a line of text for each written row
 */
export function handleOData(
  db: DatabaseSync,
  viewer: Viewer,
  request: ReceivedRequest,
  onEvent: (line: string) => void,
): Answer {
  const reading: Reading = { db, viewer };
  const query = parseQuery(request.path.replace(/^\/v7\//, ''), request.search);
  const { resource, key } = query;
  if (key && !isUnique(resource, key))
    throw new RequestError(400, `Malformed url: (${key}) is no key of ${resource}`);
  const report = (ids: number[], done: Done) => describeRows(db, resource, ids, done).forEach(onEvent);

  switch (request.method) {
    case 'GET':
      return {
        status: 200,
        body: { d: query.count ? countRows(reading, resource, query) : readRows(reading, resource, query) },
      };
    case 'POST': {
      expectNoKey(query);
      if (resource === 'application') return createFleet(reading, parseBody(request.body));
      const answer = createRow(reading, query, parseBody(request.body));
      report([(answer.body as { id: number }).id], 'stored');
      return answer;
    }
    case 'PATCH': {
      expectFilterOnly(query);
      report(updateRows(reading, query, parseBody(request.body)), 'changed');
      return { status: 200 };
    }
    case 'DELETE': {
      expectFilterOnly(query);
      const ids = readIds(reading, resource, query);
      deleteRows(reading, query, ids, () => report(ids, 'removed'));
      return { status: 200 };
    }
    default:
      throw notSupported(`${request.method} on ${resource}`);
  }
}

function isUnique(resource: string, key: string[]): boolean {
  const names = [...key].sort().join();
  return names === 'id' || resourceOf(resource).unique.some((unique) => [...unique].sort().join() === names);
}

function expectNoKey({ key, filter }: Query): void {
  if (key || filter) throw notSupported('POST to a row');
}

/** Refuses options that a PATCH or DELETE would ignore: the client may have meant to narrow the request. */
function expectFilterOnly({ select, expand, orderby, top, skip, count }: Query): void {
  const more =
    select || expand.size > 0 || orderby.length > 0 || top !== undefined || skip !== undefined || count;
  if (more) throw notSupported('PATCH and DELETE with other options than $filter');
}

export function parseBody(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new RequestError(400, 'Malformed body: send JSON');
  }
}

export type Done = 'stored' | 'changed' | 'removed';

const prepositions: Record<Done, string> = {
  stored: 'stored for',
  changed: 'changed for',
  removed: 'removed from',
};

const descriptions: Record<string, string> = {
  device: `SELECT r.id, 'device ' || substr(uuid, 1, 7) || '…' AS owner, NULL AS name, NULL AS service FROM device AS r`,
  application: `SELECT r.id, 'fleet ' || slug AS owner, NULL AS name, NULL AS service FROM application AS r`,
  device_environment_variable: `SELECT r.id, 'device ' || substr(uuid, 1, 7) || '…' AS owner, name, NULL AS service
    FROM device_environment_variable AS r JOIN device AS d ON d.id = r.device`,
  device_service_environment_variable: `
    SELECT r.id, 'device ' || substr(d.uuid, 1, 7) || '…' AS owner, name,
      service_name || CASE a.id WHEN d.belongs_to__application THEN '' ELSE ' of ' || a.slug END AS service
    FROM device_service_environment_variable AS r JOIN service_install AS i ON i.id = r.service_install
    JOIN device AS d ON d.id = i.device JOIN service AS s ON s.id = i.installs__service
    JOIN application AS a ON a.id = s.application`,
};

/**
 * Describes each row in a line of text: "variable AZURE_CERT stored for device 1a2b3c4… (service main)". The line
 * never holds a value.
 */
export function describeRows(db: DatabaseSync, resource: string, ids: number[], done: Done): string[] {
  if (ids.length === 0) return [];
  const rows = db.prepare(
    `${descriptions[resource]} WHERE r.id IN (SELECT value FROM json_each(?)) ORDER BY r.id`,
  );
  return rows.all(JSON.stringify(ids)).map(({ owner, name, service }) => {
    if (name === null) return `${owner} ${done}`;
    return `variable ${name} ${prepositions[done]} ${owner}${service === null ? '' : ` (service ${service})`}`;
  });
}

export function shortUuid(uuid: string): string {
  return `${uuid.slice(0, 7)}…`;
}
