import { constants, createECDH, type KeyObject, privateEncrypt } from 'node:crypto';

/** The order of each curve's group, and its name in node. */
const curves = {
  ES256: {
    name: 'prime256v1',
    order: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
  },
  ES384: {
    name: 'secp384r1',
    order:
      0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
  },
} as const;

/** The beginning of a DigestInfo for SHA-256 (RFC 8017). */
const sha256Info = Buffer.from('3031300d060960864801650304020105000420', 'hex');

/** The length of the digest of each algorithm, bytes. */
export const digestBytes = { ES256: 32, ES384: 48, RS256: 32 } as const;
export type KeyAlgorithm = keyof typeof digestBytes;

/** Signs a digest, as Key Vault does. Node only signs data, and makes the digest itself. */
export function signDigest(algorithm: KeyAlgorithm, key: KeyObject, digest: Buffer): Buffer {
  if (algorithm === 'RS256')
    return privateEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, Buffer.concat([sha256Info, digest]));
  const { name, order } = curves[algorithm];
  const size = digestBytes[algorithm];
  const ecdh = createECDH(name);
  const x = ecdh.generateKeys().subarray(1, 1 + size);
  const k = numberOf(ecdh.getPrivateKey());
  const r = numberOf(x) % order;
  const d = numberOf(Buffer.from(String(key.export({ format: 'jwk' }).d), 'base64url'));
  const s = (power(k, order - 2n, order) * (numberOf(digest) + r * d)) % order;
  return Buffer.concat([r, s].map((each) => Buffer.from(each.toString(16).padStart(2 * size, '0'), 'hex')));
}

const numberOf = (bytes: Buffer) => BigInt(`0x${bytes.toString('hex')}`);

/** base ** exponent, modulo `modulus`. */
function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  for (let factor = base, rest = exponent; rest > 0n; rest >>= 1n, factor = (factor * factor) % modulus)
    if (rest & 1n) result = (result * factor) % modulus;
  return result;
}
