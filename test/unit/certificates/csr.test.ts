import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { type CsrRefusal, RefusedCsr, readCsr } from '../../../src/certificates/csr.js';
import { allowedKey, hashOfKey } from '../../../src/certificates/publicKey.js';
import { algorithms, type CsrOptions, csrOf, newKeys } from '../../support/csrs.js';

const uuid = 'ab'.repeat(16);
const base64 = (text: string) => Buffer.from(text).toString('base64');
const derOf = (text: string) => Buffer.from(text.replaceAll(/-----.*-----|\s/g, ''), 'base64');
const pemOf = (der: Uint8Array) =>
  `-----BEGIN CERTIFICATE REQUEST-----\n${Buffer.from(der).toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`;

/** The reason of the refusal; null if the request is accepted. */
async function refusalOf(text: string): Promise<CsrRefusal | null> {
  try {
    await readCsr(text, uuid);
    return null;
  } catch (error) {
    if (error instanceof RefusedCsr) return error.reason;
    throw error;
  }
}

const keys = await newKeys();
const valid = await csrOf(uuid, { keys });

test('a request is read, as PEM and as base64 of the PEM', async () => {
  const read = await readCsr(valid, uuid);
  const spki = Buffer.from(await crypto.subtle.exportKey('spki', keys.publicKey));
  expect(read).toEqual({
    ...{ thumbprint: null, keyAlgorithm: 'ec-p256' },
    ...{ key: hashOfKey(spki), publicKey: spki.toString('base64') },
  });
  for (const text of [base64(valid), valid.replaceAll('\n', '\r\n'), `\n ${valid}\n`])
    expect(await readCsr(text, uuid)).toEqual(read);
});

test.each<[CsrOptions, string]>([
  [{ algorithm: algorithms.p384 }, 'ec-p384'],
  [{ algorithm: algorithms.rsa(2048) }, 'rsa-2048'],
  [{ algorithm: algorithms.rsa(2048, 'SHA-512') }, 'rsa-2048'],
])('accepted: another algorithm (%#)', async (options, keyAlgorithm) => {
  expect(await readCsr(await csrOf(uuid, options), uuid)).toMatchObject({ keyAlgorithm });
});

const certificate = valid.replaceAll('CERTIFICATE REQUEST', 'CERTIFICATE');
const large = `-----BEGIN CERTIFICATE REQUEST-----\n${'A'.repeat(9_000)}\n-----END CERTIFICATE REQUEST-----`;

/** To make a real key of this size takes seconds. The size is checked before the signature. */
const jwk = { kty: 'RSA', n: Buffer.alloc(513, 0xff).toString('base64url'), e: 'AQAB' };
const rsa = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
const largeKeys = {
  publicKey: await crypto.subtle.importKey('jwk', jwk, rsa, true, ['verify']),
  privateKey: (await newKeys(algorithms.rsa(2_048))).privateKey,
};

test.each<[CsrRefusal, string, () => string | Promise<string>]>([
  ['wrong-subject', 'another CN', () => csrOf(uuid, { subject: `CN=${'cd'.repeat(16)}` })],
  ['wrong-subject', 'a CN in upper case', () => csrOf(uuid, { subject: `CN=${uuid.toUpperCase()}` })],
  ['wrong-subject', 'more than the CN', () => csrOf(uuid, { subject: `CN=${uuid}, O=Acme` })],
  ['wrong-subject', 'the CN in another attribute', () => csrOf(uuid, { subject: `O=CN\\=${uuid}` })],
  ['wrong-subject', 'no subject', () => csrOf(uuid, { subject: '' })],
  ['wrong-signature', 'a changed request', () => pemOf(withOtherKey())],
  ['weak-key', 'RSA 1024', () => csrOf(uuid, { algorithm: algorithms.rsa(1024) })],
  ['weak-key', 'RSA above 4096', () => csrOf(uuid, { algorithm: algorithms.rsa(4_104), keys: largeKeys })],
  ['weak-key', 'EC P-521', () => csrOf(uuid, { algorithm: algorithms.p521 })],
  ['weak-signature', 'SHA-1', () => csrOf(uuid, { algorithm: algorithms.rsa(2048, 'SHA-1') })],
  ['with-key', 'a private key', () => `${valid}-----BEGIN EC PRIVATE KEY-----`],
  ['with-key', 'a private key in base64', () => base64('-----BEGIN PRIVATE KEY-----\nAA==\n')],
  ['too-large', 'a PEM above 8 KiB', () => large],
  ['too-large', 'a text above 12 KiB', () => 'A'.repeat(13_000)],
  ['unreadable', 'nothing', () => ''],
  ['unreadable', 'a certificate', () => certificate],
  ['unreadable', 'two requests', () => valid + valid],
  ['unreadable', 'bytes behind the request', () => pemOf(Buffer.concat([derOf(valid), Buffer.of(0)]))],
  ['unreadable', 'a part of the request', () => pemOf(derOf(valid).subarray(0, -1))],
  ['unreadable', 'another value', () => pemOf(Buffer.of(0x30, 0))],
])('refused as %s: %s', async (reason, _, text) => {
  expect(await refusalOf(await text())).toBe(reason);
});

/** The request with another key of the same form: the signature is not made with that key. */
function withOtherKey(): Buffer {
  const der = derOf(valid);
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const other = publicKey.export({ type: 'spki', format: 'der' });
  const own = Buffer.from(derOfKey);
  other.copy(der, der.indexOf(own));
  return der;
}
const derOfKey = await crypto.subtle.exportKey('spki', keys.publicKey);

test('garbage of every kind is refused with a reason, and never accepted', async () => {
  const der = derOf(valid);
  const flipped = fc.tuple(fc.nat(der.length - 1), fc.integer({ min: 1, max: 255 })).map(([at, bits]) => {
    const changed = Buffer.from(der);
    changed[at] = (changed[at] ?? 0) ^ bits;
    return pemOf(changed);
  });
  const garbage = fc.oneof(
    flipped,
    fc.string({ maxLength: 200 }),
    fc.uint8Array({ maxLength: 400 }).map(pemOf),
    fc.nat(der.length - 1).map((length) => pemOf(der.subarray(0, length))),
  );
  await fc.assert(
    fc.asyncProperty(garbage, async (text) => {
      expect(await refusalOf(text)).not.toBeNull();
    }),
    { numRuns: 500, seed: 19 },
  );
});

test('a key has one hash, however the key is encoded', () => {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const plain = publicKey.export({ type: 'spki', format: 'der' });
  const [x, y] = [plain.subarray(-64, -32), plain.subarray(-32)];
  // The point in compressed form: a SPKI with a shorter bit string.
  const compressed = Buffer.concat([
    Buffer.from('3039301306072a8648ce3d020106082a8648ce3d030107032200', 'hex'),
    Buffer.of(2 + ((y.at(-1) ?? 0) & 1)),
    x,
  ]);
  const same = createPublicKey({ key: compressed, format: 'der', type: 'spki' });
  expect(allowedKey(same)).toMatchObject({ keyAlgorithm: 'ec-p256', key: hashOfKey(plain) });
});
