import { notSupported, RequestError } from '../refusal.js';
import { equals } from './equals.js';
import { type Aliases, parseLiteral } from './parseFilter.js';
import { noOptions, parseOption } from './parseOption.js';
import type { Filter, Literal, Query } from './query.js';
import { createReader, type Reader } from './reader.js';

/**
 * Parses what follows the version in an OData address: `device(uuid='a1b2…')?$select=id`.
 *
 * @param path decoded, without the version
 * @param search the query as it was sent: values may hold an encoded `&`
 * @throws Refusal 400 naming what it cannot read, or what it does not support; nothing is ignored
 */
export function parseQuery(path: string, search: string): Query {
  const parameters = split(search);
  const aliases = readAliases(parameters);
  const reader = createReader(path);
  const query: Query = { resource: reader.word(), count: false, returnResource: true, ...noOptions() };
  if (reader.take('(')) {
    const [key, filter] = parseKey(reader, aliases);
    query.key = key;
    query.filter = filter;
  }
  if (reader.take('/')) {
    reader.expect('$count');
    query.count = true;
  }
  expectEnd(reader);

  for (const [name, value] of parameters) {
    if (name === 'apikey' || name.startsWith('@')) continue;
    if (name === 'returnResource') query.returnResource = value !== 'false' && value !== '0';
    else if (!name.startsWith('$')) throw notSupported(`the parameter ${name}`);
    else {
      const option = createReader(value);
      parseOption(name, option, aliases, query);
      expectEnd(option);
    }
  }
  return query;
}

function split(search: string): Array<[string, string]> {
  const pairs = search.split('&').filter((part) => part !== '');
  return pairs.map((part) => {
    const at = part.indexOf('=');
    const [name, value] = at < 0 ? [part, ''] : [part.slice(0, at), part.slice(at + 1)];
    try {
      return [decodeURIComponent(name), decodeURIComponent(value)];
    } catch {
      throw new RequestError(400, `Malformed url: cannot decode ${part}`);
    }
  });
}

function readAliases(parameters: Array<[string, string]>): Aliases {
  const none: Aliases = new Map();
  const aliases = parameters.filter(([name]) => name.startsWith('@'));
  return new Map(aliases.map(([name, value]) => [name, parseLiteral(createReader(value), none)]));
}

/** `(5)`, `('a')`, `(uuid='a')`, `(device=5,name='a')`. */
function parseKey(reader: Reader, aliases: Aliases): [string[], Filter] {
  const names: string[] = [];
  const of: Filter[] = [];
  const add = (name: string, value: Literal) => {
    names.push(name);
    of.push(equals(name, value));
  };
  const token = reader.peek();
  if (token.kind !== 'word' || token.text.startsWith('@')) {
    add('id', parseLiteral(reader, aliases));
  } else {
    do {
      const name = reader.word();
      reader.expect('=');
      add(name, parseLiteral(reader, aliases));
    } while (reader.take(','));
  }
  reader.expect(')');
  return [names, { kind: 'and', of }];
}

function expectEnd(reader: Reader): void {
  if (reader.peek().kind !== 'end') reader.fail('the end');
}
