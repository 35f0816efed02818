import { notSupported } from '../refusal.js';
import { type Aliases, parseFilter } from './parseFilter.js';
import type { Options } from './query.js';
import type { Reader } from './reader.js';

export function noOptions(): Options {
  return { expand: new Map(), orderby: [] };
}

/** Reads the value of one option (`$select`, `$filter`, ...) and puts it into `options`. */
export function parseOption(name: string, reader: Reader, aliases: Aliases, options: Options): void {
  switch (name) {
    case '$select':
      options.select = parseSelect(reader);
      break;
    case '$filter': {
      const filter = parseFilter(reader, aliases);
      options.filter = options.filter ? { kind: 'and', of: [options.filter, filter] } : filter;
      break;
    }
    case '$expand':
      do parseExpand(reader, aliases, options);
      while (reader.take(','));
      break;
    case '$orderby':
      do options.orderby.push(parseOrder(reader));
      while (reader.take(','));
      break;
    case '$top':
      options.top = parseNumber(reader);
      break;
    case '$skip':
      options.skip = parseNumber(reader);
      break;
    default:
      throw notSupported(`the option ${name}`);
  }
}

/** `undefined` for `*`. */
function parseSelect(reader: Reader): string[] | undefined {
  if (reader.take('*')) return undefined;
  const names = [reader.word()];
  while (reader.take(',')) names.push(reader.word());
  return names;
}

/** `name`, or `name($select=…;$filter=…;$expand=…)`. */
function parseExpand(reader: Reader, aliases: Aliases, into: Options): void {
  const name = reader.word();
  if (reader.peek().text === '/') throw notSupported(`a path in $expand: ${name}/…`);
  const options = noOptions();
  if (reader.take('(')) {
    do {
      const option = reader.word();
      reader.expect('=');
      parseOption(option, reader, aliases, options);
    } while (reader.take(';'));
    reader.expect(')');
  }
  into.expand.set(name, options);
}

function parseOrder(reader: Reader) {
  const property = reader.word();
  if (reader.peek().text === '/') throw notSupported(`a path in $orderby: ${property}/…`);
  const descending = reader.take('desc');
  if (!descending) reader.take('asc');
  return { property, descending };
}

function parseNumber(reader: Reader): number {
  const token = reader.peek();
  const value = Number(token.text);
  if (token.kind !== 'number' || !Number.isInteger(value) || value < 0) return reader.fail('a whole number');
  reader.next();
  return value;
}
