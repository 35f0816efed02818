/** The hashes of the allowed algorithms of signatures: ECDSA and RSA (PKCS #1), each with SHA-256, SHA-384 and SHA-512. */
const strong: Readonly<Record<string, string>> = {
  '1.2.840.10045.4.3.2': 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
};

/**
 * The hash of a signature that is strong enough.
 *
 * @param der as for `signatureAlgorithmOf`
 * @returns null if the signature is too weak
 */
export function strongHashOf(der: Buffer): string | null {
  return strong[signatureAlgorithmOf(der) ?? ''] ?? null;
}

/** A value in DER: the bytes of the content, and the position behind the value. */
interface Value {
  content: Buffer;
  end: number;
}

const sequence = 0x30;
const objectIdentifier = 0x06;

/**
 * The algorithm with which a certificate or a certificate request is signed. Node tells the algorithm only in its newest versions.
 *
 * @param der a certificate or request that a parser of X.509 has read
 * @returns the object identifier, such as `1.2.840.10045.4.3.2`; null if the bytes have another form
 */
export function signatureAlgorithmOf(der: Buffer): string | null {
  const certificate = valueAt(der, 0, sequence)?.content;
  const signed = certificate && valueAt(certificate, 0, sequence);
  const algorithm = signed && valueAt(certificate, signed.end, sequence)?.content;
  const oid = algorithm && valueAt(algorithm, 0, objectIdentifier)?.content;
  return oid ? textOf(oid) : null;
}

/**
 * The signed bytes of a certificate request, or of a certificate.
 *
 * @returns null if the bytes have another form, or if other bytes follow
 */
export function signedBytesOf(der: Buffer): Buffer | null {
  const whole = valueAt(der, 0, sequence);
  const signed = whole && valueAt(whole.content, 0, sequence);
  return signed && whole.end === der.length ? whole.content.subarray(0, signed.end) : null;
}

/** @returns null if there is no whole value with the tag and a length of at most two bytes */
function valueAt(bytes: Buffer, at: number, tag: number): Value | null {
  if (bytes[at] !== tag) return null;
  const short = bytes[at + 1] ?? 0xff;
  const lengthBytes = short < 0x80 ? 0 : short - 0x80;
  if (lengthBytes > 2) return null;
  const start = at + 2 + lengthBytes;
  if (start > bytes.length) return null;
  const length =
    short < 0x80 ? short : lengthBytes === 0 ? Number.NaN : bytes.readUIntBE(at + 2, lengthBytes);
  const end = start + length;
  return end <= bytes.length ? { content: bytes.subarray(start, end), end } : null;
}

/** The text of an object identifier below 1 or 2, with arcs of any size. */
function textOf(oid: Buffer): string {
  const arcs: number[] = [];
  let arc = 0;
  for (const byte of oid) {
    arc = arc * 128 + (byte & 0x7f);
    if (byte >= 0x80) continue;
    if (arcs.length === 0)
      arcs.push(Math.min(2, Math.floor(arc / 40)), arc - 40 * Math.min(2, Math.floor(arc / 40)));
    else arcs.push(arc);
    arc = 0;
  }
  return arcs.join('.');
}
