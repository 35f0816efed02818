import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { minter } from '../../../src/certificates/mint.js';
import { readPair } from '../../../src/certificates/read.js';
import { mintFor, now, scopedVariablesOf, scopedVariablesWith, uuid } from '../../support/stepFakes.js';

const pair = await mintFor();
const other = await mintFor();
const base64 = (text: string) => Buffer.from(text).toString('base64');
const decoded = (text: string) => Buffer.from(text, 'base64').toString();
const read = (AZURE_CERT: string, AZURE_PRIVATE_KEY: string, id = uuid) =>
  readPair(scopedVariablesOf(1, { AZURE_CERT, AZURE_PRIVATE_KEY }), id);

test('a pair that belongs together and to the device is read as it was minted', () => {
  expect(readPair(scopedVariablesWith(1, pair), uuid)).toEqual(pair);
});

test('an RSA pair is read, too', async () => {
  const rsa = await minter({ key: 'rsa-2048' })(uuid, now);
  expect(readPair(scopedVariablesWith(1, rsa), uuid)).toEqual(rsa);
});

test("keys in other PEM forms are read: the old function's were PKCS #1 or SEC 1", () => {
  const key = createPrivateKey(decoded(pair.privateKey));
  const sec1 = base64(key.export({ format: 'pem', type: 'sec1' }).toString());
  expect(read(pair.certificate, sec1)?.thumbprint).toBe(pair.thumbprint);
});

test.each<[string, ReturnType<typeof read>]>([
  ['the key of another certificate', read(pair.certificate, other.privateKey)],
  ['a pair of another device', read(pair.certificate, pair.privateKey, 'cd'.repeat(16))],
  [
    'a device whose uuid only begins like this one',
    read(pair.certificate, pair.privateKey, uuid.slice(0, 30)),
  ],
  ['a certificate alone', readPair(scopedVariablesOf(1, { AZURE_CERT: pair.certificate }), uuid)],
  ['a key alone', readPair(scopedVariablesOf(1, { AZURE_PRIVATE_KEY: pair.privateKey }), uuid)],
  ['nothing', readPair(scopedVariablesOf(1), uuid)],
  ['empty variables', read('', '')],
  ['garbage', read('garbage', 'garbage')],
  ['garbage in base64', read(base64('garbage'), base64('garbage'))],
  ['PEM without base64', read(decoded(pair.certificate), decoded(pair.privateKey))],
  ['half a key', read(pair.certificate, base64(decoded(pair.privateKey).slice(0, 90)))],
  ['the two of them the wrong way round', read(pair.privateKey, pair.certificate)],
  ['a public key in place of the private one', read(pair.certificate, base64(publicKey()))],
])('%s is no pair of the device', (_, found) => {
  expect(found).toBeNull();
});

function publicKey(): string {
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return keys.publicKey.export({ format: 'pem', type: 'spki' }).toString();
}
