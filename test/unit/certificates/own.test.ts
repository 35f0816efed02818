import { generateKeyPairSync, webcrypto } from 'node:crypto';
import fc from 'fast-check';
import { minter } from '../../../src/certificates/mint.js';
import { type Refusal, RefusedCertificate, readOwnCertificate } from '../../../src/certificates/own.js';
import * as x509 from '../../../src/certificates/x509.js';

const uuid = 'ab'.repeat(16);
const now = Date.parse('2030-01-01T00:00:00Z');
const day = 86_400_000;
const rules = { uuid, now, days: 365 };

const ec = (namedCurve: 'P-256' | 'P-384' | 'P-521', hash = 'SHA-256') => ({
  name: 'ECDSA',
  namedCurve,
  hash,
});
const rsa = (modulusLength: number, hash = 'SHA-256') => ({
  name: 'RSASSA-PKCS1-v1_5',
  hash,
  publicExponent: new Uint8Array([1, 0, 1]),
  modulusLength,
});
type Algorithm = ReturnType<typeof ec> | ReturnType<typeof rsa>;

const keysOf = (algorithm: Algorithm) =>
  webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']) as Promise<CryptoKeyPair>;

interface Options {
  algorithm?: Algorithm;
  subject?: string;
  issuer?: string;
  from?: number;
  to?: number;
  isCa?: boolean;
  /** Signs with another key. */
  signer?: CryptoKey;
}

async function pem(options: Options = {}): Promise<string> {
  const { algorithm = ec('P-256'), subject = `CN=${uuid}`, issuer = subject, isCa = false } = options;
  const keys = await keysOf(algorithm);
  const certificate = await x509.X509CertificateGenerator.create({
    subject,
    issuer,
    publicKey: keys.publicKey,
    signingKey: options.signer ?? keys.privateKey,
    signingAlgorithm: algorithm,
    notBefore: new Date(options.from ?? now),
    notAfter: new Date(options.to ?? now + 365 * day),
    extensions: [new x509.BasicConstraintsExtension(isCa, undefined, true)],
  });
  return certificate.toString('pem');
}

/** The reason of the refusal; null if the certificate is accepted. */
function refusalOf(text: string): Refusal | null {
  try {
    readOwnCertificate(text, rules);
    return null;
  } catch (error) {
    if (error instanceof RefusedCertificate) return error.reason;
    throw error;
  }
}

const valid = await pem();
const base64 = (text: string) => Buffer.from(text).toString('base64');
const derOf = (text: string) => Buffer.from(text.replaceAll(/-----.*-----|\s/g, ''), 'base64');
const pemOf = (der: Uint8Array) =>
  `-----BEGIN CERTIFICATE-----\n${Buffer.from(der).toString('base64')}\n-----END CERTIFICATE-----\n`;

test('a certificate is read, as PEM and as base64 of the PEM', () => {
  const read = readOwnCertificate(valid, rules);
  expect(read).toEqual({
    thumbprint: expect.stringMatching(/^[0-9A-F]{64}$/),
    notBefore: now,
    notAfter: now + 365 * day,
    key: expect.stringMatching(/^[0-9A-F]{64}$/),
    keyAlgorithm: 'ec-p256',
  });
  for (const text of [base64(valid), valid.replaceAll('\n', '\r\n'), `\n ${valid}\n`])
    expect(readOwnCertificate(text, rules)).toEqual(read);
});

test('a certificate as this product mints it would be accepted', async () => {
  const { certificate, thumbprint } = await minter({ days: 365 })(uuid, now);
  expect(readOwnCertificate(certificate, rules)).toMatchObject({ thumbprint, keyAlgorithm: 'ec-p256' });
});

test.each<[string, Options, string]>([
  ['EC P-384 and SHA-384', { algorithm: ec('P-384', 'SHA-384') }, 'ec-p384'],
  ['RSA 2048', { algorithm: rsa(2048) }, 'rsa-2048'],
  ['RSA 2048 and SHA-512', { algorithm: rsa(2048, 'SHA-512') }, 'rsa-2048'],
  ['a clock that is five minutes ahead', { from: now + 300_000 }, 'ec-p256'],
  ['a backdated certificate', { from: now - 300_000, to: now + 365 * day }, 'ec-p256'],
])('accepted: %s', async (_, options, keyAlgorithm) => {
  expect(readOwnCertificate(await pem(options), rules).keyAlgorithm).toBe(keyAlgorithm);
});

const otherKey = (await keysOf(ec('P-256'))).privateKey;
test.each<[Refusal, string, Options]>([
  ['wrong-subject', 'another CN', { subject: `CN=${'cd'.repeat(16)}` }],
  ['wrong-subject', 'a CN in upper case', { subject: `CN=${uuid.toUpperCase()}` }],
  ['wrong-subject', 'two CNs', { subject: `CN=${uuid}, CN=${'cd'.repeat(16)}` }],
  ['wrong-subject', 'more than the CN', { subject: `CN=${uuid}, O=Acme` }],
  ['wrong-subject', 'the CN in another attribute', { subject: `O=CN\\=${uuid}` }],
  ['not-self-signed', 'another issuer', { issuer: 'CN=Acme' }],
  ['not-self-signed', 'another signer', { signer: otherKey }],
  ['weak-key', 'RSA 1024', { algorithm: rsa(1024) }],
  ['weak-key', 'EC P-521', { algorithm: ec('P-521') }],
  ['weak-signature', 'SHA-1', { algorithm: rsa(2048, 'SHA-1') }],
  ['weak-signature', 'ECDSA with SHA-1', { algorithm: ec('P-256', 'SHA-1') }],
  ['is-ca', 'a CA', { isCa: true }],
  ['not-valid', 'an expired certificate', { from: now - 2 * day, to: now - 1_000 }],
  ['not-valid', 'a certificate of the next day', { from: now + 301_000 }],
  ['not-valid', 'a clock at 1970', { from: 0, to: 365 * day }],
  ['too-long', 'a longer life', { to: now + 366 * day }],
  ['too-long', 'a life without end', { to: Date.parse('9999-12-31T23:59:59Z') }],
])('%s: %s', async (reason, _, options) => {
  expect(refusalOf(await pem(options))).toBe(reason);
});

const privateKey = generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey;
const privatePem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
test.each<[Refusal, string, string]>([
  ['with-key', 'a private key', privatePem],
  ['with-key', 'base64 of a private key', base64(privatePem)],
  ['with-key', 'a private key beside the certificate', valid + privatePem],
  ['with-key', 'a certificate beside the private key', privatePem + valid],
  ['too-large', 'more than 8 KiB', valid.replace('\n', `\n${'\n'.repeat(8_192)}`)],
  ['too-large', 'more than 8 KiB in base64', base64(valid.replace('\n', `\n${' '.repeat(8_192)}`))],
  ['too-large', 'megabytes', 'A'.repeat(4_000_000)],
  ['unreadable', 'nothing', ''],
  ['unreadable', 'two certificates', valid + valid],
  ['unreadable', 'no certificate', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----'],
  ['unreadable', 'a public key', valid.replaceAll('CERTIFICATE', 'PUBLIC KEY')],
  ['unreadable', 'DER in base64', derOf(valid).toString('base64')],
  ['unreadable', 'bytes behind the certificate', pemOf(Buffer.concat([derOf(valid), Buffer.from([0])]))],
  ['unreadable', 'a deep nesting', pemOf(Buffer.alloc(6_000, Buffer.from([0x30, 0x80])))],
])('%s: %s', (reason, _, text) => {
  expect(refusalOf(text)).toBe(reason);
});

describe('garbage is refused, and never harms:', () => {
  const seed = Number(process.env.FUZZ_SEED ?? 1);
  const der = derOf(valid);

  test('changed bytes of a certificate', () => {
    const change = fc.tuple(fc.nat(der.length - 1), fc.integer({ min: 1, max: 255 }));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        const changed = Buffer.from(der);
        for (const [at, bits] of changes) changed[at] = (changed[at] ?? 0) ^ bits;
        if (!changed.equals(der)) expect(refusalOf(pemOf(changed))).not.toBeNull();
      }),
      { numRuns: 600, seed },
    );
  });

  test('parts of a certificate, and other bytes', () => {
    const bytes = fc.oneof(
      fc.nat(der.length - 1).map((length) => der.subarray(0, length)),
      fc.uint8Array({ maxLength: 300 }),
      fc
        .tuple(fc.nat(der.length), fc.uint8Array({ minLength: 1, maxLength: 40 }))
        .map(([at, more]) => Buffer.concat([der.subarray(0, at), more, der.subarray(at)])),
      // Lengths that promise far more than there is.
      fc.nat(der.length - 5).map((at) => {
        const changed = Buffer.from(der);
        changed.writeUInt32BE(0x84ffffff, at);
        return changed;
      }),
    );
    fc.assert(
      fc.property(bytes, (each) => expect(refusalOf(pemOf(each))).not.toBeNull()),
      { numRuns: 600, seed },
    );
  });

  test('any text', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.base64String(),
      fc.string().map((each) => valid + each.trim()),
    );
    fc.assert(
      fc.property(text, (each) => {
        if (each.trim() !== valid.trim()) expect(refusalOf(each)).not.toBeNull();
      }),
      { numRuns: 400, seed },
    );
  });
});
