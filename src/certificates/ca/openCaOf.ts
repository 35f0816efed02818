import { readFileSync } from 'node:fs';
import { type CaCertificates, readCaCertificates } from '../../shared/caCertificates.js';
import { managedIdentity } from '../../shared/managedIdentity.js';
import type { Clock } from '../../shared/time.js';
import { type Ca, noCa, openCa } from './ca.js';
import { openFileKey } from './fileKey.js';
import { openKeyVaultKey } from './keyVaultKey.js';

/** The settings of the CA. */
export interface CaConfig {
  ca: { file: string } | { keyId: string; certificates: CaCertificates } | null;
  certificate: { days: number };
}

/** Opens the CA of the settings. Never throws: without a CA only the devices with certificate requests have to wait. */
export function openCaOf({ ca, certificate: { days } }: CaConfig, clock: Clock): Ca {
  if (ca === null) return noCa('No CA is configured: CA_CERTIFICATE and CA_KEY_VAULT_KEY are missing.');
  if ('file' in ca) return openFileCa(ca.file, { days, clock });
  const key = openKeyVaultKey({ keyId: ca.keyId, credential: managedIdentity });
  return openCa(ca.certificates, key, { days, clock });
}

/** A CA in a file, for local systems: the PEM of the private key, and of the certificates. */
function openFileCa(file: string, options: { days: number; clock: Clock }): Ca {
  try {
    const pem = readFileSync(file, 'utf8');
    const certificates = readCaCertificates(pem);
    if (typeof certificates === 'string') return noCa(`The content of CA_FILE ${certificates}.`);
    return openCa(certificates, openFileKey(pem), options);
  } catch {
    return noCa('CA_FILE cannot be read, or has no private key.');
  }
}
