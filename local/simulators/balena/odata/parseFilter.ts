import { notSupported, RequestError } from '../refusal.js';
import type { Comparison, Filter, Literal } from './query.js';
import type { Reader } from './reader.js';

/** Values of the parameter aliases of a request: `@uuid` → 'a1b2…'. */
export type Aliases = ReadonlyMap<string, Literal>;

const comparisons = new Set<string>(['eq', 'ne', 'gt', 'ge', 'lt', 'le']);
const constants = new Map<string, Literal>([
  ['true', true],
  ['false', false],
  ['null', null],
]);

/** `or` of `and` of comparisons, each possibly negated: the grammar of a `$filter`, lowest precedence first. */
export function parseFilter(reader: Reader, aliases: Aliases): Filter {
  return parseChain(reader, 'or', () => parseChain(reader, 'and', () => parseTerm(reader, aliases)));
}

export function parseLiteral(reader: Reader, aliases: Aliases): Literal {
  const token = reader.peek();
  if (token.kind === 'text') return reader.next().text;
  if (token.kind === 'number') return Number(reader.next().text);
  if (token.kind === 'word' && token.text.startsWith('@')) {
    const value = aliases.get(reader.next().text);
    if (value === undefined) throw new RequestError(400, `Malformed url: ${token.text} has no value`);
    return value;
  }
  const constant = token.kind === 'word' ? constants.get(token.text) : undefined;
  if (constant === undefined) return reader.fail('a value');
  reader.next();
  return constant;
}

function parseChain(reader: Reader, kind: 'and' | 'or', parsePart: () => Filter): Filter {
  const first = parsePart();
  const of = [first];
  while (reader.take(kind)) of.push(parsePart());
  return of.length === 1 ? first : { kind, of };
}

function parseTerm(reader: Reader, aliases: Aliases): Filter {
  if (reader.take('not')) return { kind: 'not', of: parseTerm(reader, aliases) };
  const left = parseOperand(reader, aliases);
  const token = reader.peek();
  if (token.kind !== 'word') return left;
  if (reader.take('in')) {
    reader.expect('(');
    const values = [parseLiteral(reader, aliases)];
    while (reader.take(',')) values.push(parseLiteral(reader, aliases));
    reader.expect(')');
    return { kind: 'in', left, values };
  }
  if (!comparisons.has(token.text)) return left;
  const operator = reader.word() as Comparison;
  return { kind: 'compare', operator, left, right: parseOperand(reader, aliases) };
}

function parseOperand(reader: Reader, aliases: Aliases): Filter {
  if (reader.take('(')) {
    const inner = parseFilter(reader, aliases);
    reader.expect(')');
    return inner;
  }
  const token = reader.peek();
  const isPath = token.kind === 'word' && !token.text.startsWith('@') && !constants.has(token.text);
  if (!isPath) return { kind: 'literal', value: parseLiteral(reader, aliases) };
  return parsePath(reader, aliases);
}

function parsePath(reader: Reader, aliases: Aliases): Filter {
  const path = [reader.word()];
  if (reader.take('(')) throw notSupported(`the function ${path[0]}`);
  while (reader.take('/')) {
    const part = reader.word();
    if (part.startsWith('$')) throw notSupported(`${part} in a filter`);
    if (!reader.take('(')) {
      path.push(part);
      continue;
    }
    if (part !== 'any') throw notSupported(`the function ${part}`);
    const alias = reader.word();
    reader.expect(':');
    const where = parseFilter(reader, aliases);
    reader.expect(')');
    return { kind: 'any', path, alias, where };
  }
  return { kind: 'path', path };
}
