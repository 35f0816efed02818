import { credentials } from '../doctored/histories.js';
import { createSecretsCheck } from './createSecretsCheck.js';

const secrets = { 'the balena API key': 'k3yk3yk3yk3y' };
const pem = Buffer.from(credentials.own.AZURE_PRIVATE_KEY, 'base64').toString();

function found(text: string): string[] {
  const check = createSecretsCheck(secrets);
  check.look('a line', text);
  return check.found().map(({ what }) => what);
}

test.each([
  ['a private key as balena stores it', credentials.own.AZURE_PRIVATE_KEY, 'a private key is in a line'],
  ['a private key in PEM', `failed with ${pem}`, 'a private key is in a line'],
  ['a private key in PEM, in JSON', JSON.stringify({ key: pem }), 'a private key is in a line'],
  ["a private key's base64 alone", pem.split('\n')[1] ?? '', 'a private key is in a line'],
  ['a known secret', 'Bearer k3yk3yk3yk3y', 'the balena API key is in a line'],
])('finds %s', (_, text, what) => {
  expect(found(text)).toContainEqual(expect.stringMatching(`^${what}, after: `));
});

test('finds nothing in a certificate, a thumbprint and an error', () => {
  const { own, thumbprint } = credentials;
  expect(found(`${own.AZURE_CERT} ${thumbprint} balena refuses our API key (401)`)).toEqual([]);
});

test('says what stands before a secret, and not the secret', () => {
  expect(found('Authorization: Bearer k3yk3yk3yk3y')).toEqual([
    'the balena API key is in a line, after: Authorization: Bearer ',
  ]);
});

test('a secret that was not read is no secret to look for', () => {
  expect(() => createSecretsCheck({ 'the key': '' })).toThrow('the key is too short');
});
