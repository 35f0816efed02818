import { createPublicKey, type KeyObject } from 'node:crypto';
import { caAlgorithmOf } from '../../shared/caAlgorithm.js';
import type { EpochMs } from '../../shared/time.js';
import { backdatedMs } from '../mint.js';
import { hashOfKey, spkiOf } from '../publicKey.js';
import type { CaKey } from './caKey.js';
import { keyIdOf, signWith } from './issue.js';
import { mapKeyVaultError } from './keyVaultErrors.js';
import { type KeyVaultKeyOptions, openKeyVaultKey } from './keyVaultKey.js';

const dayMs = 86_400_000;
const timeoutMs = 30_000;

/** The certificate that a CA gets. */
export interface CaCertificateOptions {
  /** The subject, such as `CN=Acme device CA`. */
  subject: string;
  days: number;
  now: EpochMs;
}

/**
 * Makes a self-signed certificate of a CA for a key in Key Vault. Key Vault itself makes no certificates of CAs by its documented interface.
 *
 * @returns PEM
 * @throws ProvisioningError `ca-…`
 */
export async function makeCaCertificate(
  key: KeyVaultKeyOptions,
  options: CaCertificateOptions,
): Promise<string> {
  return selfSign(openKeyVaultKey(key), await readPublicKey(key), options);
}

async function selfSign(
  key: CaKey,
  publicKey: KeyObject,
  { subject, days, now }: CaCertificateOptions,
): Promise<string> {
  const x509 = await import('../x509.js');
  const algorithm = caAlgorithmOf(publicKey);
  const spki = spkiOf(publicKey);
  if (algorithm === null || spki === null) throw mapKeyVaultError(new Error('another kind of key'));
  const certificate = await signWith(key, algorithm, timeoutMs, {
    subject,
    issuer: subject,
    notBefore: new Date(now - backdatedMs),
    notAfter: new Date(now + days * dayMs),
    publicKey: Uint8Array.from(spki),
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      new x509.SubjectKeyIdentifierExtension(keyIdOf(hashOfKey(spki))),
    ],
  });
  return certificate.toString();
}

async function readPublicKey({ keyId, credential, httpClient }: KeyVaultKeyOptions): Promise<KeyObject> {
  const { KeyClient, parseKeyVaultKeyIdentifier } = await import('./keyVaultSdk.js');
  const { vaultUrl, name, version } = parseKeyVaultKeyIdentifier(keyId);
  const client = new KeyClient(vaultUrl, credential, { ...(httpClient && { httpClient }) });
  try {
    const { key = {} } = await client.getKey(name, version === undefined ? {} : { version });
    const text = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString('base64url');
    const jwk = key.kty?.startsWith('RSA')
      ? { kty: 'RSA', n: text(key.n), e: text(key.e) }
      : { kty: 'EC', crv: key.crv, x: text(key.x), y: text(key.y) };
    return createPublicKey({ key: jwk, format: 'jwk' });
  } catch (error) {
    throw mapKeyVaultError(error);
  }
}
