/** A value in an expression. */
export type Literal = string | number | boolean | null;

export type Comparison = 'eq' | 'ne' | 'gt' | 'ge' | 'lt' | 'le';

/** A `$filter` in the form that `compileFilter` turns into SQL. */
export type Filter =
  | { kind: 'literal'; value: Literal }
  /** A property such as `name`. Inside an `any`, the alias comes first, such as `d/uuid`. */
  | { kind: 'path'; path: string[] }
  | { kind: 'any'; path: string[]; alias: string; where: Filter }
  | { kind: 'not'; of: Filter }
  | { kind: 'and' | 'or'; of: Filter[] }
  | { kind: 'compare'; operator: Comparison; left: Filter; right: Filter }
  | { kind: 'in'; left: Filter; values: Literal[] };

/** The options of a request, or of one expanded property. */
export interface Options {
  /** Names of properties. Default: all properties of the resource. */
  select?: string[];
  filter?: Filter;
  expand: Map<string, Options>;
  orderby: Array<{ property: string; descending: boolean }>;
  top?: number;
  skip?: number;
}

/** An OData request, without its body. */
export interface Query extends Options {
  resource: string;
  /** The properties of the key, where the path has one: `['id']` or a natural key. The key is also a part of `filter`. */
  key?: string[];
  /** The path ends with `/$count`. */
  count: boolean;
  /** A POST answers with the whole row (default), or with the row's id only. */
  returnResource: boolean;
}

export function noOptions(): Options {
  return { expand: new Map(), orderby: [] };
}

/** `name eq value` */
export function equals(name: string, value: Literal): Filter {
  return {
    kind: 'compare',
    operator: 'eq',
    left: { kind: 'path', path: [name] },
    right: { kind: 'literal', value },
  };
}
