import type { DatabaseSync } from 'node:sqlite';
import { compileFilter, resourceOf, type Sql } from './compileFilter.js';
import type { Options } from './query.js';
import { unknownProperty } from './requestError.js';
import { type Access, type Viewer, visible } from './visible.js';

export type Row = Record<string, unknown>;
type Column = string | number | null;
type Columns = Record<string, Column> & { id: number };

/** The source of a read request: the database and the owner of the API key. */
export interface Reading {
  db: DatabaseSync;
  viewer: Viewer;
}

const everything: Sql = { text: 'TRUE', values: [] };

/**
 * Reads the rows visible to the viewer, in balena's form: a link is `{__id}`, and an expanded link is an array of
 * rows.
 *
 * @throws RequestError 500 for unknown properties
 */
export function readRows(reading: Reading, resource: string, options: Options): Row[] {
  const { top = -1, skip = 0 } = options; // For SQLite, a negative limit is none.
  const found = select(reading, resource, options, everything, ` LIMIT ${top} OFFSET ${skip}`);
  return shape(reading, resource, options, found);
}

/** Counts rows, regardless of `$top` and `$skip`. */
export function countRows({ db, viewer }: Reading, resource: string, options: Options): number {
  const where = condition({ viewer }, resource, options, everything);
  const row = db
    .prepare(`SELECT count(*) AS n FROM ${resource} AS r WHERE ${where.text}`)
    .get(...where.values);
  return Number(row?.n);
}

/** The ids of the selected rows that the viewer may write. A row that the viewer may only read is left out. */
export function readIds({ db, viewer }: Reading, resource: string, options: Options): number[] {
  const where = condition({ viewer }, resource, options, everything, 'write');
  const rows = db
    .prepare(`SELECT id FROM ${resource} AS r WHERE ${where.text} ORDER BY id`)
    .all(...where.values);
  return rows.map(({ id }) => Number(id));
}

function condition(
  { viewer }: Pick<Reading, 'viewer'>,
  resource: string,
  options: Options,
  also: Sql,
  access: Access = 'read',
): Sql {
  resourceOf(resource);
  const filter = options.filter ? compileFilter(options.filter, resource, 'r', viewer) : everything;
  return {
    text: `${visible(viewer, resource, 'r', access)} AND ${also.text} AND (${filter.text})`,
    values: [...also.values, ...filter.values],
  };
}

function select(reading: Reading, resource: string, options: Options, also: Sql, limit = ''): Columns[] {
  const where = condition(reading, resource, options, also);
  const { fields, links } = resourceOf(resource);
  const order = options.orderby.map(({ property, descending }) => {
    if (!fields[property] && !links[property])
      throw unknownProperty(`${resource} has no property ${property}`);
    return `r.${property} ${descending ? 'DESC' : 'ASC'}`;
  });
  const sql = `SELECT r.* FROM ${resource} AS r WHERE ${where.text} ORDER BY ${[...order, 'r.id'].join(', ')}${limit}`;
  return reading.db.prepare(sql).all(...where.values) as Columns[];
}

function shape(reading: Reading, resource: string, options: Options, rows: Columns[]): Row[] {
  const { fields, links } = resourceOf(resource);
  const names = options.select ?? [...Object.keys(fields), ...Object.keys(links)];
  for (const name of names) {
    if (!fields[name] && !links[name]) throw unknownProperty(`${resource} has no property ${name}`);
  }
  const expanded = [...options.expand].map(([name, inner]) => ({
    name,
    of: expand(reading, resource, name, inner, rows),
  }));
  return rows.map((columns) => {
    const row: Row = {};
    for (const name of names) {
      const column = columns[name] ?? null;
      if (links[name]) row[name] = column === null ? null : { __id: column };
      else row[name] = fields[name] === 'boolean' && column !== null ? column === 1 : column;
    }
    for (const { name, of } of expanded) row[name] = of(columns);
    return row;
  });
}

/**
 * Reads the rows behind a property for all rows at once. @returns a function from a row to the rows behind the
 * property
 */
function expand(
  reading: Reading,
  resource: string,
  name: string,
  options: Options,
  rows: Columns[],
): (columns: Columns) => Row[] {
  const { lists, links } = resourceOf(resource);
  const target = lists[name]?.resource ?? links[name];
  if (!target) throw unknownProperty(`${resource} has no navigation property ${name}`);
  const by = lists[name]?.by ?? 'id';
  const keyOf = (columns: Columns) => (lists[name] ? columns.id : columns[name]);
  const keys = JSON.stringify(rows.map(keyOf));
  const found = select(reading, target, options, {
    text: `r.${by} IN (SELECT value FROM json_each(?))`,
    values: [keys],
  });
  const shaped = shape(reading, target, options, found);
  const byKey = Map.groupBy(shaped.keys(), (index) => found[index]?.[by]);
  const { skip = 0, top = Number.POSITIVE_INFINITY } = options;
  return (columns) => {
    const indexes = (byKey.get(keyOf(columns)) ?? []).slice(skip, skip + top);
    return indexes.map((index) => shaped[index]!);
  };
}
