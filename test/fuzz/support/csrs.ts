import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { type Pair, pemOf } from './certificates.js';

/** One element of DER. */
function tlv(tag: number, ...parts: Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  const { length } = body;
  const head = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...head]), body]);
}
const sequence = (...parts: Uint8Array[]) => tlv(0x30, ...parts);
const set = (...parts: Uint8Array[]) => tlv(0x31, ...parts);
const hex = (text: string) => Buffer.from(text, 'hex');
const integer = (bytes: Uint8Array) => tlv(0x02, Uint8Array.of(0), bytes);
const bits = (bytes: Uint8Array) => tlv(0x03, Uint8Array.of(0), bytes);
const oid = (body: string) => tlv(0x06, hex(body));

const ecdsaWithSha256 = sequence(oid('2a8648ce3d040302'));
const rsaEncryption = sequence(oid('2a864886f70d010101'), hex('0500'));
const ecPublicKey = oid('2a8648ce3d0201');

interface Parts {
  uuid: string;
  /** The key that signs, and whose public half the request has. */
  key: KeyObject;
  /** DER of another public key in the request. */
  spki?: Buffer;
  attributes?: Buffer[];
  algorithm?: Buffer;
  /** Default: the key signs with SHA-256. */
  signature?: Buffer;
}

/** A certificate request from its parts, which need not fit together. @returns PEM */
function csr({ uuid, key, spki, attributes = [], algorithm = ecdsaWithSha256, signature }: Parts): string {
  const name = sequence(set(sequence(oid('550403'), tlv(0x0c, Buffer.from(uuid)))));
  const publicKey = spki ?? createPublicKey(key).export({ type: 'spki', format: 'der' });
  const signed = sequence(hex('020100'), name, publicKey, tlv(0xa0, ...attributes));
  const made = signature ?? sign('sha256', signed, key);
  return pemOf(sequence(signed, algorithm, bits(made)), 'CERTIFICATE REQUEST');
}

/** Makes the key and a good certificate request of a device. */
export function csrPairOf(uuid: string): Pair {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return { cert: csr({ uuid, key: privateKey }), key };
}

const rsaOf = (modulus: Uint8Array, exponent: Uint8Array) =>
  sequence(rsaEncryption, bits(sequence(integer(modulus), integer(exponent))));
const ecOf = (parameters: Buffer, point: Buffer) => sequence(sequence(ecPublicKey, parameters), bits(point));
const p256 = oid('2a8648ce3d030107');
const ones = (length: number) => Buffer.alloc(length, 0xff);
const attribute = (index: number, ...values: Buffer[]) =>
  sequence(oid(`2a8648${index.toString(16).padStart(2, '0')}`), set(...values));

/** P-256 with its parameters in full, and a field that is no prime. */
const explicitCurve = (field: Buffer) =>
  sequence(
    hex('020101'),
    sequence(oid('2a8648ce3d0101'), integer(field)),
    sequence(tlv(0x04, ones(field.length)), tlv(0x04, ones(field.length))),
    tlv(0x04, Buffer.concat([hex('04'), ones(2 * field.length)])),
    integer(ones(field.length)),
    hex('020101'),
  );

/** Requests by the code of the refusal; `accepted` for requests that the product accepts. */
export function knownCsrs(uuid: string, pair: Pair): { csr: string; expected: string }[] {
  const key = createPrivateKey(pair.key);
  const weak = (spki: Buffer) => ({
    csr: csr({ uuid, key, spki }),
    expected: '(422 .*csr-weak-key|400 .*bad-csr)',
  });
  const made = (type: 'ed25519' | 'x448' | 'dsa') =>
    (type === 'dsa'
      ? generateKeyPairSync('dsa', { modulusLength: 1024, divisorLength: 160 })
      : generateKeyPairSync(type as 'ed25519')
    ).publicKey.export({ type: 'spki', format: 'der' });
  const curve = (namedCurve: string) =>
    generateKeyPairSync('ec', { namedCurve }).publicKey.export({ type: 'spki', format: 'der' });
  const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const signedByAnother = { spki: createPublicKey(key).export({ type: 'spki', format: 'der' }), key: other };
  const good = { uuid, key };
  return [
    ...['P-521', 'secp256k1', 'P-224', 'brainpoolP256r1'].map(curve).map(weak),
    ...(['ed25519', 'x448', 'dsa'] as const).map(made).map(weak),
    // RSA: 1,024 bits, 8,192 bits, 40,000 bits, no bits; exponents that are huge, or even.
    ...[128, 1_024, 5_000, 0].map((length) => weak(rsaOf(ones(length), hex('010001')))),
    { csr: csr({ ...good, spki: rsaOf(ones(256), ones(256)) }), expected: '4(00|22) ' },
    { csr: csr({ ...good, spki: rsaOf(ones(256), hex('02')) }), expected: '4(00|22) ' },
    // A point that is not on the curve, the point at infinity, and curves with parameters in full.
    weak(ecOf(p256, Buffer.concat([hex('04'), ones(64)]))),
    weak(ecOf(p256, hex('00'))),
    ...[32, 600].map((length) =>
      weak(ecOf(explicitCurve(ones(length)), Buffer.concat([hex('04'), ones(2 * length)]))),
    ),
    { csr: csr({ uuid, ...signedByAnother }), expected: '422 .*csr-wrong-signature' },
    { csr: csr({ ...good, signature: Buffer.alloc(0) }), expected: '422 .*csr-wrong-signature' },
    { csr: csr({ ...good, signature: ones(3_000) }), expected: '422 .*csr-wrong-signature' },
    {
      csr: csr({ ...good, signature: sequence(integer(ones(1_000)), integer(ones(1_000))) }),
      expected: '422 .*csr-wrong-signature',
    },
    {
      csr: csr({ ...good, algorithm: sequence(oid('2a8648ce3d0401')) }),
      expected: '422 .*csr-weak-signature',
    },
    {
      csr: csr({ ...good, algorithm: sequence(oid('2a8648ce3d040302'), ones(2_000)) }),
      expected: '(4(00|22) |20)',
    },
    { csr: csr({ uuid: uuid.toUpperCase(), key }), expected: '422 .*csr-wrong-subject' },
    { csr: csr({ uuid: 'x'.repeat(4_000), key }), expected: '422 .*csr-wrong-subject' },
    { csr: csr({ uuid: '', key }), expected: '422 .*csr-wrong-subject' },
    // Attributes count for nothing, however many there are.
    {
      csr: csr({
        ...good,
        attributes: Array.from({ length: 300 }, (_, index) => attribute(index % 128, hex('0500'))),
      }),
      expected: '20',
    },
    {
      csr: csr({ ...good, attributes: [attribute(1, ...Array.from({ length: 1_500 }, () => hex('0500')))] }),
      expected: '20',
    },
    { csr: csr({ ...good, attributes: [hex('3080'.repeat(1_000))] }), expected: '(4(00|22) |20)' },
    {
      csr: csr({
        ...good,
        attributes: Array.from({ length: 600 }, (_, index) => attribute(index % 128, hex('0500'))),
      }),
      expected: '400 .*csr-too-large',
    },
  ];
}
