import { toColumn } from './database.js';
import { type FieldType, model, type Resource } from './model.js';
import type { Comparison, Filter, Literal } from './query.js';
import { notSupported, RequestError, unknownProperty, unknownResource } from './requestError.js';
import { type Viewer, visible } from './visible.js';

/** An SQL expression, and the values of the question marks. */
export interface Sql {
  text: string;
  values: Array<string | number | null>;
}

/** A row that a name in the filter can refer to: the requested row (`root`), or the row of an `any`. */
interface Row {
  resource: string;
  /** The row's name in the statement. */
  row: string;
}

interface Scope {
  viewer: Viewer;
  root: Row;
  aliases: ReadonlyMap<string, Row>;
  depth: number;
}

type Typed = Sql & { type: FieldType | 'null' };

/** `IS` compares like `=`, and two nulls are equal. */
const operators: Record<Comparison, string> = {
  eq: 'IS',
  ne: 'IS NOT',
  gt: '>',
  ge: '>=',
  lt: '<',
  le: '<=',
};

/**
 * Compiles a filter into an SQL condition.
 *
 * @param row name of the row in the statement
 * @throws RequestError 500 for unknown properties; 400 for comparisons of different types; 401 for unknown resources
 *   and for resources hidden from the viewer
 */
export function compileFilter(filter: Filter, resource: string, row: string, viewer: Viewer): Sql {
  return compile(filter, { viewer, root: { resource, row }, aliases: new Map(), depth: 0 });
}

function compile(filter: Filter, scope: Scope): Typed {
  switch (filter.kind) {
    case 'literal':
      return { text: '?', values: [toColumn(filter.value)], type: typeOf(filter.value) };
    case 'path':
      return compilePath(filter.path, scope);
    case 'any':
      return compileAny(filter, scope);
    case 'not': {
      const of = compile(filter.of, scope);
      return { ...of, text: `NOT (${of.text})`, type: 'boolean' };
    }
    case 'and':
    case 'or': {
      const parts = filter.of.map((part) => compile(part, scope));
      const text = parts.map((part) => `(${part.text})`).join(filter.kind === 'and' ? ' AND ' : ' OR ');
      return { text, values: parts.flatMap((part) => part.values), type: 'boolean' };
    }
    case 'compare': {
      const [left, right] = [compile(filter.left, scope), compile(filter.right, scope)];
      expectSameType(left, right);
      const text = `(${left.text}) ${operators[filter.operator]} (${right.text})`;
      return { text, values: [...left.values, ...right.values], type: 'boolean' };
    }
    case 'in': {
      const left = compile(filter.left, scope);
      for (const value of filter.values) expectSameType(left, { text: '?', values: [], type: typeOf(value) });
      const values = JSON.stringify(filter.values.map(toColumn));
      return {
        text: `${left.text} IN (SELECT value FROM json_each(?))`,
        values: [...left.values, values],
        type: 'boolean',
      };
    }
  }
}

function compileAny({ path, alias, where }: Extract<Filter, { kind: 'any' }>, scope: Scope): Typed {
  const { from, property } = resolve(path, scope);
  const { lists, links } = resourceOf(from.resource);
  const target = lists[property]?.resource ?? links[property];
  if (!target) throw unknownProperty(`${from.resource} has no navigation property ${property}`);
  const row = `${scope.root.row}_${scope.depth + 1}`;
  const by = lists[property]?.by;
  const joined = by ? `${row}.${by} = ${from.row}.id` : `${row}.id = ${from.row}.${property}`;
  const aliases = new Map(scope.aliases).set(alias, { resource: target, row });
  const inner = compile(where, { ...scope, aliases, depth: scope.depth + 1 });
  const condition = `${joined} AND ${visible(scope.viewer, target, row)} AND (${inner.text})`;
  const text = `EXISTS (SELECT 1 FROM ${target} AS ${row} WHERE ${condition})`;
  return { text, values: inner.values, type: 'boolean' };
}

function compilePath(path: string[], scope: Scope): Typed {
  const { from, property } = resolve(path, scope);
  const { fields, links } = resourceOf(from.resource);
  const type = fields[property] ?? (links[property] && 'integer');
  if (!type) throw unknownProperty(`${from.resource} has no property ${property}`);
  return { text: `${from.row}.${property}`, values: [], type };
}

/** A path is a property, or the alias of an `any` and a property. */
function resolve(path: string[], { root, aliases }: Scope): { from: Row; property: string } {
  const [first = '', second] = path;
  const from = aliases.get(first);
  if (path.length === 1) return { from: root, property: first };
  if (path.length === 2 && from && second) return { from, property: second };
  throw notSupported(`the path ${path.join('/')}; use any(…)`);
}

export function resourceOf(name: string): Resource {
  const resource = model[name];
  if (!resource) throw unknownResource(`the resource ${name}`);
  return resource;
}

function typeOf(value: Literal): Typed['type'] {
  if (value === null) return 'null';
  if (typeof value === 'number') return 'integer';
  return typeof value === 'boolean' ? 'boolean' : 'text';
}

function expectSameType(left: Typed, right: Typed): void {
  const plain = ({ type }: Typed) => (type === 'date' ? 'text' : type);
  if (left.type === 'null' || right.type === 'null' || plain(left) === plain(right)) return;
  throw new RequestError(400, `Malformed url: cannot compare ${left.type} with ${right.type}`);
}
