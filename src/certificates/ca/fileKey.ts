import { createPrivateKey, sign } from 'node:crypto';
import type { CaKey } from './caKey.js';

/**
 * The key of a CA in a file, for local systems.
 *
 * @param pem the private key, PEM
 * @throws Error if the text is no private key
 */
export function openFileKey(pem: string): CaKey {
  const key = createPrivateKey(pem);
  return {
    sign: async ({ hash }, data) => sign(hash, data, { key, dsaEncoding: 'ieee-p1363' }),
  };
}
