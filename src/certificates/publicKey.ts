import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import type { PublicKey } from '../device/record.js';

/** A key that a device may use. */
export interface AllowedKey extends PublicKey {
  /** The public key in DER (SPKI), see `spkiOf`. */
  spki: Buffer;
}

/** Checks a public key: EC P-256, EC P-384, or RSA from 2048 bits. @returns null for every other key */
export function allowedKey(key: KeyObject | null): AllowedKey | null {
  const keyAlgorithm = key && algorithmOf(key);
  const spki = keyAlgorithm && spkiOf(key);
  return spki ? { key: hashOfKey(spki), keyAlgorithm, spki } : null;
}

/** Such as `ec-p256`; null for a key that no device may use. */
function algorithmOf({
  asymmetricKeyType: type,
  asymmetricKeyDetails: details = {},
}: KeyObject): string | null {
  if (type === 'ec' && details.namedCurve === 'prime256v1') return 'ec-p256';
  if (type === 'ec' && details.namedCurve === 'secp384r1') return 'ec-p384';
  const { modulusLength = 0, publicExponent = 0n } = details;
  // An exponent of 1 makes every signature valid.
  return type === 'rsa' && modulusLength >= 2048 && publicExponent >= 3n ? `rsa-${modulusLength}` : null;
}

/**
 * The public key in DER (SPKI), in one form for each key. A key can be encoded in several ways (compressed points, named or explicit
 * curves), and the hash of a revoked key must not change with the way.
 *
 * @returns null if the key has no such form
 */
export function spkiOf(key: KeyObject): Buffer | null {
  try {
    const { kty, crv, x, y, n, e } = key.export({ format: 'jwk' });
    const plain = kty === 'EC' ? { kty, crv, x, y } : { kty, n, e };
    return createPublicKey({ key: plain, format: 'jwk' }).export({ type: 'spki', format: 'der' });
  } catch {
    return null;
  }
}

/** The SHA-256 of a public key, upper-case hex. @param spki as `spkiOf` returns it */
export function hashOfKey(spki: Buffer): string {
  return createHash('sha256').update(spki).digest('hex').toUpperCase();
}
