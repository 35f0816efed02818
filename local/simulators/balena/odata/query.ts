/** A value in an expression. */
export type Literal = string | number | boolean | null;

export type Comparison = 'eq' | 'ne' | 'gt' | 'ge' | 'lt' | 'le';

/** A parsed `$filter`. */
export type Filter =
  | { kind: 'literal'; value: Literal }
  /** A property, behind the alias of its `any` where there is one: `name`, `d/uuid`. */
  | { kind: 'path'; path: string[] }
  | { kind: 'any'; path: string[]; alias: string; where: Filter }
  | { kind: 'not'; of: Filter }
  | { kind: 'and' | 'or'; of: Filter[] }
  | { kind: 'compare'; operator: Comparison; left: Filter; right: Filter }
  | { kind: 'in'; left: Filter; values: Literal[] };

/** The options of a request, or of one expanded property. */
export interface Options {
  /** Without it all properties of the resource. */
  select?: string[];
  filter?: Filter;
  expand: Map<string, Options>;
  orderby: Array<{ property: string; descending: boolean }>;
  top?: number;
  skip?: number;
}

/** A parsed OData request. */
export interface Query extends Options {
  resource: string;
  /** The resource was named by `(id)` or by a natural key, which is a part of `filter` too. */
  key?: string[];
  /** Only how many there are is asked for. */
  count: boolean;
  /** A POST answers with the whole row (default), not only with its id. */
  returnResource: boolean;
}
