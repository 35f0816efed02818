import type { KeyObject } from 'node:crypto';

const algorithms = {
  ES256: { name: 'ES256', hash: 'sha256', web: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } },
  ES384: { name: 'ES384', hash: 'sha384', web: { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' } },
  RS256: { name: 'RS256', hash: 'sha256', web: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' } },
} as const;

/** The algorithm of a CA's signatures: its name in Key Vault, its hash, and its form in WebCrypto. */
export type CaAlgorithm = (typeof algorithms)[keyof typeof algorithms];

/** The algorithm with which the key of a CA signs. Null for a key that a CA cannot have. */
export function caAlgorithmOf(publicKey: KeyObject): CaAlgorithm | null {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details = {} } = publicKey;
  if (type === 'ec' && details.namedCurve === 'prime256v1') return algorithms.ES256;
  if (type === 'ec' && details.namedCurve === 'secp384r1') return algorithms.ES384;
  return type === 'rsa' && (details.modulusLength ?? 0) >= 2048 ? algorithms.RS256 : null;
}
