import { readFileSync } from 'node:fs';
import { type CaCertificates, readCaCertificates } from '../../shared/caCertificates.js';
import { managedIdentity } from '../../shared/managedIdentity.js';
import type { Clock } from '../../shared/time.js';
import { type Ca, noCa, openCa } from './ca.js';
import type { CaKey } from './caKey.js';
import { openFileKey } from './fileKey.js';
import { openKeyVaultKey } from './keyVaultKey.js';

/** The settings of the CA. */
export interface CaConfig {
  ca: { file: string } | { keyId: string; certificates: CaCertificates } | null;
  certificate: { days: number };
}

/** Opens the CA of the settings. Never throws: without a CA only the devices with certificate requests have to wait. */
export function openCaOf(config: CaConfig, clock: Clock): Ca {
  if (config.ca === null)
    return noCa('No CA is configured: CA_CERTIFICATE and CA_KEY_VAULT_KEY are missing.');
  const parts = partsOfCa(config.ca);
  if (typeof parts === 'string') return noCa(parts);
  return openCa(parts.certificates, parts.key, { days: config.certificate.days, clock });
}

/**
 * The certificates and the key of the CA in the settings.
 *
 * @returns a sentence with the reason if the file of a local CA cannot be used
 */
export function partsOfCa(
  ca: NonNullable<CaConfig['ca']>,
): { certificates: CaCertificates; key: CaKey } | string {
  if ('file' in ca) return partsOfFile(ca.file);
  const key = openKeyVaultKey({ keyId: ca.keyId, credential: managedIdentity });
  return { certificates: ca.certificates, key };
}

/** A CA in a file, for local systems: the PEM of the private key, and of the certificates. */
function partsOfFile(file: string): { certificates: CaCertificates; key: CaKey } | string {
  try {
    const pem = readFileSync(file, 'utf8');
    const certificates = readCaCertificates(pem);
    if (typeof certificates === 'string') return `The content of CA_FILE ${certificates}.`;
    return { certificates, key: openFileKey(pem) };
  } catch {
    return 'CA_FILE cannot be read, or has no private key.';
  }
}
