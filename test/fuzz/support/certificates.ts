import fc from 'fast-check';
import { minter } from '../../../src/certificates/mint.js';

/** The certificate, or the certificate request, and the private key of a device, both as PEM. */
export interface Pair {
  cert: string;
  key: string;
}

export async function pairOf(uuid: string): Promise<Pair> {
  const { certificate, privateKey } = await minter()(uuid, Date.now());
  return { cert: decode(certificate), key: decode(privateKey) };
}
const decode = (text: string) => Buffer.from(text, 'base64').toString();

const bodyOf = (pem: string) => pem.replaceAll(/-----[^-]+-----|\s/g, '');
const derOf = (pem: string) => Buffer.from(bodyOf(pem), 'base64');
export const pemOf = (der: Uint8Array, label: string) =>
  `-----BEGIN ${label}-----\n${Buffer.from(der).toString('base64').replaceAll(/.{64}/g, '$&\n')}\n-----END ${label}-----\n`;

export type Change = (pair: Pair, other: Pair) => string;

/** The label of the PEM. */
export type Label = 'CERTIFICATE' | 'CERTIFICATE REQUEST';

/** Changes of the bytes. */
const changedBytes = (label: Label) => [
  {
    weight: 4,
    arbitrary: fc.array(fc.tuple(fc.nat(), fc.nat({ max: 7 })), { minLength: 1, maxLength: 3 }).map(
      (flips): Change =>
        ({ cert }) => {
          const der = derOf(cert);
          for (const [at, bit] of flips) der[at % der.length] = (der[at % der.length] ?? 0) ^ (1 << bit);
          return pemOf(der, label);
        },
    ),
  },
  {
    weight: 1,
    arbitrary: fc.nat().map(
      (at): Change =>
        ({ cert }) => {
          const der = derOf(cert);
          return pemOf(der.subarray(0, at % der.length), label);
        },
    ),
  },
  {
    weight: 1,
    arbitrary: fc.uint8Array({ minLength: 1, maxLength: 40 }).map(
      (more): Change =>
        ({ cert }) =>
          pemOf(Buffer.concat([derOf(cert), more]), label),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.uint8Array({ maxLength: 200 }).map(
      (bytes): Change =>
        () =>
          pemOf(bytes, label),
    ),
  },
];

/** Changes of the text. */
const cut = fc.nat().map(
  (at): Change =>
    ({ cert }) =>
      cert.slice(0, at % cert.length),
);
const inserted = fc.tuple(fc.nat(), fc.string({ unit: 'binary', minLength: 1, maxLength: 5 })).map(
  ([at, text]): Change =>
    ({ cert }) => {
      const place = at % cert.length;
      return cert.slice(0, place) + text + cert.slice(place);
    },
);

/** Other forms: duplicates, nesting, encodings, line ends, sizes. */
const formsOf = (label: Label, otherLabel: Label): Change[] => [
  ({ cert }) => cert,
  ({ cert }) => cert + cert,
  ({ cert }, other) => cert + other.cert,
  (_, other) => other.cert,
  ({ cert }) => cert.replaceAll('\n', '\r\n'),
  ({ cert }) => cert.replaceAll('\n', ' '),
  ({ cert }) => cert.replaceAll('\n', ''),
  ({ cert }) => `\ufeff${cert}`,
  ({ cert }) => `\u0000${cert}\u0000`,
  ({ cert }) => cert.toLowerCase(),
  ({ cert }) => bodyOf(cert),
  ({ cert }) => Buffer.from(cert).toString('base64'),
  ({ cert }) => Buffer.from(cert).toString('base64url'),
  ({ cert }) => Buffer.from(cert).toString('hex'),
  ({ cert }) => Buffer.from(cert, 'utf16le').toString('base64'),
  ({ cert }) => Buffer.from(cert).toString('utf16le'),
  ({ cert }) => Buffer.from(Buffer.from(cert).toString('base64')).toString('base64'),
  ({ cert }) => derOf(cert).toString('latin1'),
  ({ cert }) => pemOf(Buffer.from(cert), label),
  ({ cert }) => cert.replace('\n', `\n${cert}`),
  ({ cert }) => pemOf(derOf(cert), 'TRUSTED CERTIFICATE'),
  ({ cert }) => pemOf(derOf(cert), `NEW ${label}`),
  ({ cert }) => pemOf(derOf(cert), otherLabel),
  ({ cert }) => cert.replace('\n', '\nProc-Type: 4,ENCRYPTED\n'),
  ({ cert }) => cert + ' '.repeat(9_000),
  ({ cert }) => cert.replace('\n', `\n${'\n'.repeat(8_000)}`),
  () => pemOf(Buffer.alloc(5_000, 0x30), label),
  () => pemOf(Buffer.alloc(9_000, 0x30), label),
  // A length of 2 GiB, and nesting without an end.
  () => pemOf(Buffer.from('3084ffffffff', 'hex'), label),
  () => pemOf(Buffer.from('3080'.repeat(1_500), 'hex'), label),
  () => '',
  () => `-----BEGIN ${label}-----`,
  () => `-----BEGIN ${label}-----\n-----END ${label}-----\n`,
];

/** The private key, with and without a disguise. None of these texts may come back in an answer, or appear in a log. */
const keysWith = (label: Label): Change[] => [
  ({ key }) => key,
  ({ cert, key }) => cert + key,
  ({ cert, key }) => key + cert,
  ({ key }) => Buffer.from(key).toString('base64'),
  ({ cert, key }) => Buffer.from(cert + key).toString('base64'),
  ({ key }) => bodyOf(key),
  ({ key }) => pemOf(derOf(key), label),
  ({ cert, key }) => pemOf(Buffer.concat([derOf(cert), derOf(key)]), label),
  ({ key }) => key.replaceAll('PRIVATE KEY', 'PRIVATE\u00a0KEY'),
  ({ key }) => key.toLowerCase(),
  ({ key }) => key.replaceAll('\n', '\r\n'),
  ({ cert, key }) => cert.replace('\n', `\n${key}`),
  ({ cert, key }) => cert.replace('\n', `\nComment: ${bodyOf(key)}\n`),
  ({ key }) => Buffer.from(key, 'utf16le').toString('base64'),
];

/** Texts in the place of a certificate or of a certificate request. */
export interface Texts {
  /** Every text that changes nothing at random. */
  known: readonly Change[];
  /** The text itself, changed or damaged ones, and private keys. */
  any: fc.Arbitrary<Change>;
}

function textsOf(label: Label, otherLabel: Label): Texts {
  const [forms, keys] = [formsOf(label, otherLabel), keysWith(label)];
  return {
    known: [...forms, ...keys],
    any: fc.oneof(
      ...changedBytes(label),
      { weight: 1, arbitrary: cut },
      { weight: 1, arbitrary: inserted },
      { weight: 4, arbitrary: fc.constantFrom(...forms) },
      { weight: 3, arbitrary: fc.constantFrom(...keys) },
    ),
  };
}

export const certificateTexts = textsOf('CERTIFICATE', 'CERTIFICATE REQUEST');
export const csrTexts = textsOf('CERTIFICATE REQUEST', 'CERTIFICATE');

/** Values of `uses`. */
export const usesText = fc.oneof(
  { weight: 12, arbitrary: fc.constant(undefined) },
  { weight: 1, arbitrary: fc.constantFrom('', 'A'.repeat(64), ':', '\u0000', `${'a'.repeat(63)}\u0130`) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 200 }) },
);
