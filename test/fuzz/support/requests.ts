import fc from 'fast-check';
import { signed } from '../../support/signedWebhook.js';
import { body } from './bodies.js';
import type { Sent } from './Sent.js';
import { uuids } from './texts.js';

export interface Known {
  keys: { provisionKey: string; deprovisionKey: string; opsKey: string };
  /** Of the webhook. */
  secret: string;
}

const segment = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(...uuids, uuids[4]!.toUpperCase()) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      '..',
      '.',
      '%2e%2e',
      '%2f',
      '%5c',
      '%00',
      '%',
      '%zz',
      '%ff',
      '%c0%af',
      '%0d%0aX:%20y',
    ),
  },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme', maxLength: 70 }).map(encode) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('__proto__', 'constructor', '{uuid}', '*', ';a=b', '~', 'x'.repeat(3_000)),
  },
);
/** Method and path of an existing function. */
const known = fc.oneof(
  { weight: 5, arbitrary: fc.constant('POST /api/provision') },
  { weight: 5, arbitrary: fc.constant('POST /api/webhook') },
  { weight: 2, arbitrary: fc.constant('DELETE /api/provision') },
  { weight: 1, arbitrary: fc.constantFrom('GET /api/health', 'GET /api/provision', 'POST /API/Provision/') },
  {
    weight: 4,
    arbitrary: fc
      .tuple(fc.constantFrom('POST', 'GET', 'DELETE'), segment)
      .map(([method, each]) => `${method} /api/provision/${each}`),
  },
);
const anyMethod = fc.constantFrom(
  'GET',
  'POST',
  'DELETE',
  'PUT',
  'HEAD',
  'OPTIONS',
  'TRACE',
  'PROPFIND',
  'QUERY',
);
const anyPath = fc.oneof(
  fc.array(segment, { maxLength: 4 }).map((parts) => `/${parts.join('/')}`),
  segment.map((each) => `/api/${each}`),
  fc.constantFrom('/api/provision', '/api/webhook', '/api/health'),
);
const route = fc.oneof(
  { weight: 12, arbitrary: known },
  { weight: 1, arbitrary: fc.tuple(anyMethod, anyPath).map((parts) => parts.join(' ')) },
);
const query = (keys: readonly string[]) =>
  fc.oneof(
    { weight: 4, arbitrary: fc.constant('') },
    { weight: 1, arbitrary: fc.constantFrom(...keys).map((key) => `?code=${key}`) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        '?',
        '?code=',
        '?code=%',
        '?code=a&code=b',
        '?%00',
        '?uuid=x',
        '?__proto__[code]=1',
      ),
    },
    { weight: 1, arbitrary: fc.webQueryParameters().map((text) => `?${encode(text)}`) },
  );

const contentType = fc.oneof(
  fc.constantFrom(
    'application/json',
    'application/json; charset=utf-16',
    'text/plain',
    'multipart/form-data',
    'multipart/form-data; boundary=x',
    'application/x-www-form-urlencoded',
    'application/octet-stream',
    ';;;',
  ),
  fc.stringMatching(/^[ -~]{1,40}$/),
);
const headerText = fc.stringMatching(/^[!-~\u0080-\u00ff]{1,60}$/);
const moreHeaders = fc.dictionary(
  fc.constantFrom(
    'accept',
    'authorization',
    'content-encoding',
    'x-http-method-override',
    'x-original-url',
    'x-forwarded-host',
    'x-ms-client-principal',
    'expect-ct',
    'cookie',
    'traceparent',
    'webhook-id',
    'webhook-timestamp',
    'webhook-signature',
  ),
  headerText,
  { maxKeys: 3 },
);

/** Any request at any of the functions: most get as far as their body. */
export function anyRequest({ keys, secret }: Known): fc.Arbitrary<Sent> {
  const { provisionKey, deprovisionKey, opsKey } = keys;
  const all = [provisionKey, deprovisionKey, opsKey];
  const key = fc.oneof(
    { weight: 12, arbitrary: fc.constant('right') },
    { weight: 1, arbitrary: fc.constantFrom(...all) },
    { weight: 1, arbitrary: headerText },
    { weight: 1, arbitrary: fc.constant('') },
  );
  const rightKey = (method: string, path: string) => {
    if (path.startsWith('/api/health')) return opsKey;
    return method === 'DELETE' ? deprovisionKey : provisionKey;
  };
  const signature = fc.constantFrom('signed', 'signed', 'signed', 'bearer', 'none');
  const parts = fc.record({ route, query: query(all), key, contentType, moreHeaders, signature, body });
  return parts.map((given) => {
    const [method = '', path = ''] = given.route.split(' ');
    const sentKey = given.key === 'right' ? rightKey(method, path) : given.key;
    const headers: Record<string, string> = {
      'content-type': given.contentType.trim() || 'x',
      ...given.moreHeaders,
      ...(path === '/api/webhook' && proof(given.signature, secret, given.body)),
      ...(sentKey !== '' && { 'x-functions-key': sentKey }),
    };
    return { method, target: path + given.query, headers, body: given.body };
  });
}

function proof(how: string, secret: string, bytes: Uint8Array): Record<string, string> {
  if (how === 'bearer') return { authorization: `Bearer ${secret}` };
  return how === 'signed' ? signed(secret, Buffer.from(bytes).toString()) : {};
}

/** Text for a path, with escapes for the characters that a URL does not allow. */
function encode(text: string): string {
  return encodeURI(text.toWellFormed()).replaceAll('#', '%23').replaceAll('?', '%3f');
}
