import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { Variables } from './balenaSimulator.js';

/** A pair from the environment of a device. */
export interface StoredPair {
  cert: string;
  key: string;
  /** SHA-256, upper-case hex. */
  thumbprint: string;
  subject: string;
  /** Whether the key belongs to the certificate. */
  matches: boolean;
}

/** @throws Error if one of the two variables is missing in this scope */
export function storedPair(variables: Variables, scope: string): StoredPair {
  const { AZURE_CERT, AZURE_PRIVATE_KEY } = variables[scope] ?? {};
  if (!AZURE_CERT || !AZURE_PRIVATE_KEY)
    throw new Error(
      `not both variables are at "${scope}", but ${Object.keys(variables[scope] ?? {}).join(', ')}`,
    );
  const cert = Buffer.from(AZURE_CERT, 'base64').toString();
  const key = Buffer.from(AZURE_PRIVATE_KEY, 'base64').toString();
  const parsed = new X509Certificate(cert);
  return {
    cert,
    key,
    thumbprint: parsed.fingerprint256.replaceAll(':', ''),
    subject: parsed.subject,
    matches: parsed.checkPrivateKey(createPrivateKey(key)),
  };
}

/** Are both variables at this place? */
export function isPairAt(variables: Variables, scope: string): boolean {
  const { AZURE_CERT, AZURE_PRIVATE_KEY } = variables[scope] ?? {};
  return Boolean(AZURE_CERT && AZURE_PRIVATE_KEY);
}
