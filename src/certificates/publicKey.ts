import { createHash, createPublicKey, type KeyObject } from 'node:crypto';

/** The algorithm of a key that a device may use, such as `ec-p256`; null for every other key. */
export function allowedAlgorithmOf(key: KeyObject | null): string | null {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details = {} } = key ?? {};
  if (type === 'ec' && details.namedCurve === 'prime256v1') return 'ec-p256';
  if (type === 'ec' && details.namedCurve === 'secp384r1') return 'ec-p384';
  const { modulusLength = 0, publicExponent = 0n } = details;
  // An exponent of 1 makes every signature valid.
  if (type === 'rsa' && modulusLength >= 2048 && publicExponent >= 3n) return `rsa-${modulusLength}`;
  return null;
}

/**
 * The public key in DER (SPKI), in one form for each key. A key can be encoded in several ways (compressed points, named or explicit
 * curves), and the hash of a revoked key must not change with the way.
 *
 * @param key of an algorithm that `allowedAlgorithmOf` names
 * @throws Error if the key has no such form
 */
export function spkiOf(key: KeyObject): Buffer {
  const { kty, crv, x, y, n, e } = key.export({ format: 'jwk' });
  const plain = kty === 'EC' ? { kty, crv, x, y } : { kty, n, e };
  return createPublicKey({ key: plain, format: 'jwk' }).export({ type: 'spki', format: 'der' });
}

/** The SHA-256 of a public key, upper-case hex. @param spki as `spkiOf` returns it */
export function hashOfKey(spki: Buffer): string {
  return createHash('sha256').update(spki).digest('hex').toUpperCase();
}
