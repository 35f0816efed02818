import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { anyPrivateKey, findLeaks } from './findLeaks.js';

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const key = `${randomBytes(16).toString('base64')}+/=`;
const secrets = { key, pem };
const lines = pem.trim().split('\n');

const forms: [string, string, string][] = [
  ['as it is', key, 'key'],
  ['within a line', `xx${key}xx`, 'key'],
  ['in a URL', `?code=${encodeURIComponent(key)}&x=y`, 'key'],
  ['in base64', Buffer.from(key).toString('base64'), 'key'],
  ['in base64url', Buffer.from(key).toString('base64url'), 'key'],
  ['in base64, one byte on', Buffer.from(`x${key}y`).toString('base64'), 'key'],
  ['in base64, two bytes on', Buffer.from(`xx${key}`).toString('base64url'), 'key'],
  ['in hex', Buffer.from(key).toString('hex'), 'key'],
  ['in JSON', JSON.stringify({ key: `${key}"` }), 'key'],
  ['as a PEM', pem, 'pem'],
  ['as a PEM in JSON', JSON.stringify({ pem }), 'pem'],
  ['as a PEM in base64', Buffer.from(pem).toString('base64'), 'pem'],
  ['as the first line of a PEM', lines[1] ?? '', 'pem'],
  ['as the last line of a PEM', lines.at(-2) ?? '', 'pem'],
  ['as a PEM without its line ends', lines.slice(1, -1).join(''), 'pem'],
];
test.each(forms)('a secret %s is found', (_, written, name) => {
  const leaks = findLeaks(secrets, { log: 'nothing here', records: `before ${written} after` });
  expect(leaks).not.toEqual([]);
  for (const leak of leaks) expect(leak).toMatch(new RegExp(`^records: ${name}, as `));
});

test.each([
  ['PEM', pem],
  ['base64 of it', Buffer.from(pem).toString('base64')],
  ['base64 of it, further on', Buffer.from(`{"value":"${pem}`).toString('base64')],
  ['text without its head', lines.slice(1, -1).join('')],
])('a private key that nobody knows is found by its %s', (_, written) => {
  expect(findLeaks(anyPrivateKey, { log: written })).not.toEqual([]);
});

test('what is no secret is not found', () => {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const harmless = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  expect(findLeaks({ ...secrets, ...anyPrivateKey }, { log: `${harmless} ${key.slice(0, -4)}` })).toEqual([]);
});

test('a secret that is too short to be looked for is no secret', () => {
  expect(() => findLeaks({ short: 'abc' }, {})).toThrow('too short');
  expect(() => findLeaks({ empty: '' }, {})).toThrow('too short');
});
