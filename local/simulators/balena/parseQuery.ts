import odata from '@balena/odata-parser';
import { type Aliases, type Binds, equals, noOptions, type Query, readOption, readValue } from './query.js';
import { notSupported, RequestError } from './requestError.js';

/** The options that this simulator supports, of a request and of an expanded property. */
const supported = new Set(['$select', '$filter', '$expand', '$orderby', '$top', '$skip']);

/**
 * Parses the part of an OData address after the version, for example `device(uuid='a1b2…')?$select=id`, with balena's
 * own parser.
 *
 * @param path decoded, without the version
 * @param search the query as the client sent the text: a value may hold an encoded `&`
 * @throws RequestError 400 naming the malformed or unsupported part. No part is ignored
 */
export function parseQuery(path: string, search: string): Query {
  const parameters = split(search);
  const aliases = readAliases(parameters);
  const query: Query = { ...parsePath(path, aliases), returnResource: true };
  for (const [name, value] of parameters) {
    if (name === 'apikey' || name.startsWith('@')) continue;
    if (name === 'returnResource') query.returnResource = value !== 'false' && value !== '0';
    else if (!name.startsWith('$')) throw notSupported(`the parameter ${name}`);
    else if (!supported.has(name)) throw notSupported(`the option ${name}`);
    else {
      const { tree, binds } = parse(`${name}=${value}`, 'QueryOption');
      readOption(name, tree[1], { binds, aliases }, query);
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
  const aliases = parameters.filter(([name]) => name.startsWith('@'));
  return new Map(
    aliases.map(([name, value]) => [name, parse(`${name}=${value}`, 'ParameterAliasOption').tree[1]]),
  );
}

/** `device`, `device/$count`, `device(5)`, `device(uuid='a')`, `service_install(device=5,installs__service=6)`. */
function parsePath(path: string, aliases: Aliases): Omit<Query, 'returnResource'> {
  const { tree, binds } = parse(`/${path}`, 'OData');
  const { resource, key, count = false, property, link, options } = tree;
  if (property || link || options) throw notSupported(`a path behind ${resource}: ${path}`);
  const query = { resource, count, ...noOptions() };
  if (!key) return query;
  const byName: Array<[string, unknown]> = 'bind' in key ? [['id', key]] : Object.entries(key);
  const of = byName.map(([name, value]) => equals(name, readValue(value, { binds, aliases })));
  return { ...query, key: byName.map(([name]) => name), filter: { kind: 'and', of } };
}

/** @param text decoded. The parser decodes names and texts again, and so every `%` is encoded first */
function parse(text: string, rule: string): { tree: ReturnType<typeof odata.parse>['tree']; binds: Binds } {
  try {
    return odata.parse(text.replaceAll('%', '%25'), { startRule: 'ProcessRule', rule });
  } catch (error) {
    if (!isSyntaxError(error)) throw error;
    const { found, location } = error;
    throw new RequestError(
      400,
      `Malformed url: ${found === null ? 'unexpected end' : `unexpected ${found}`} at character ${location.start.offset} of ${text}`,
    );
  }
}

interface ParserError {
  /** The first character that breaks the grammar; null for the end of the text. */
  found: string | null;
  location: { start: { offset: number } };
}

function isSyntaxError(error: unknown): error is ParserError {
  return error instanceof odata.SyntaxError && 'location' in error;
}
