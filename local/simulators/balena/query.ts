import { notSupported, RequestError } from './requestError.js';

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

/** A value from the text, for example `['Text', 'a1b2…']` or `['List', [['Real', 1], ['Null']]]`. */
type Bind = [type: string, value?: unknown];

/** The values of a tree, in the order of the references. */
export type Binds = Bind[];

/** Values of the request's parameter aliases, for example `@uuid` → `['Text', 'a1b2…']`. */
export type Aliases = ReadonlyMap<string, Bind>;

/** The values behind the references of a tree. */
interface Values {
  binds: Binds;
  aliases: Aliases;
}

/** A name in the parser's tree, with everything that may follow a name. */
interface Path {
  name: string;
  property?: Path;
  count?: true;
  key?: unknown;
  method?: unknown;
  lambda?: { method: string; identifier: string; expression: Node };
}

/** A part of a `$filter` in the parser's tree: null, a reference to a value, a name, or an operator with its operands. */
type Node = null | { bind: number | string } | Path | [operator: string, ...operands: unknown[]];

const comparisons: readonly string[] = ['eq', 'ne', 'gt', 'ge', 'lt', 'le'];
const scalars: readonly string[] = ['Text', 'Real', 'Integer', 'Boolean'];

/**
 * Puts one option of a request, or of an expanded property, into `options`. If an option comes twice, the second
 * replaces the first. Two `$filter` options both apply.
 *
 * @param tree the parser's result for the option's value
 * @throws RequestError 400 naming the unsupported part
 */
export function readOption(name: string, tree: unknown, values: Values, options: Options): void {
  const paths = () => (tree as { properties: Array<Path & { order?: string; options?: object }> }).properties;
  switch (name) {
    case '$select':
      options.select = tree === '*' ? undefined : paths().map((path) => nameOf(path, name));
      break;
    case '$filter': {
      const filter = readFilter(tree as Node, values);
      options.filter = options.filter ? { kind: 'and', of: [options.filter, filter] } : filter;
      break;
    }
    case '$expand':
      for (const path of paths()) {
        const inner = noOptions();
        for (const [option, value] of Object.entries(path.options ?? {}))
          readOption(option, value, values, inner);
        options.expand.set(nameOf(path, name), inner);
      }
      break;
    case '$orderby':
      for (const path of paths())
        options.orderby.push({ property: nameOf(path, name), descending: path.order === 'desc' });
      break;
    case '$top':
      options.top = Number(readValue(tree, values));
      break;
    case '$skip':
      options.skip = Number(readValue(tree, values));
      break;
    default:
      throw notSupported(`the option ${name}`);
  }
}

/**
 * Resolves a reference to a value.
 *
 * @param reference `{bind}` of the parser's tree
 * @throws RequestError 400 for an alias without a value, and for a type without support, for example a date
 */
export function readValue(reference: unknown, values: Values): Literal {
  return literal(bindOf(reference, values));
}

function bindOf(reference: unknown, { binds, aliases }: Values): Bind {
  const { bind } = reference as { bind: number | string };
  const found = typeof bind === 'number' ? binds[bind] : aliases.get(bind);
  if (!found) throw new RequestError(400, `Malformed url: ${bind} has no value`);
  return found;
}

function literal([type, value]: Bind): Literal {
  if (type === 'Null') return null;
  if (!scalars.includes(type)) throw notSupported(`a value of the type ${type}`);
  return value as Literal;
}

function nameOf({ name, property, count, key }: Path, option: string): string {
  if (property || count || key) throw notSupported(`a path in ${option}: ${name}/…`);
  return name;
}

function readFilter(node: Node, values: Values): Filter {
  if (node === null) return { kind: 'literal', value: null };
  if (Array.isArray(node)) return readOperator(node, values);
  if ('bind' in node) return { kind: 'literal', value: readValue(node, values) };
  if ('name' in node) return readPath(node, [], values);
  throw notSupported('a duration in a filter');
}

function readOperator([operator, ...operands]: [string, ...unknown[]], values: Values): Filter {
  const parts = () => operands.map((operand) => readFilter(operand as Node, values));
  if (operator === 'and' || operator === 'or') return { kind: operator, of: parts() };
  if (operator === 'not') return { kind: 'not', of: readFilter(operands[0] as Node, values) };
  if (operator === 'call') throw notSupported(`the function ${(operands[0] as { method: string }).method}`);
  if (operator === 'eqany') {
    const [, list] = bindOf(operands[1], values);
    return {
      kind: 'in',
      left: readFilter(operands[0] as Node, values),
      values: (list as Bind[]).map(literal),
    };
  }
  const [left, right, ...more] = parts();
  if (!comparisons.includes(operator) || !left || !right || more.length > 0)
    throw notSupported(`${operator} in a filter, with ${operands.length} operands`);
  return { kind: 'compare', operator: operator as Comparison, left, right };
}

function readPath(path: Path, before: string[], values: Values): Filter {
  const { name, property, count, key, method, lambda } = path;
  const all = [...before, name];
  if (count) throw notSupported('$count in a filter');
  if (key || method) throw notSupported(`${all.join('/')}(…) in a filter`);
  if (property) return readPath(property, all, values);
  if (!lambda) return { kind: 'path', path: all };
  if (lambda.method !== 'any') throw notSupported(`the function ${lambda.method}`);
  return {
    kind: 'any',
    path: all,
    alias: lambda.identifier,
    where: readFilter(lambda.expression, values),
  };
}
