import { belongsTo } from '../../src/certificates/ca/ca.js';
import type { CaKey } from '../../src/certificates/ca/caKey.js';
import { type CaConfig, partsOfCa } from '../../src/certificates/ca/openCaOf.js';
import type { CaCertificates } from '../../src/shared/caCertificates.js';
import { ProvisioningError } from '../../src/shared/errors.js';
import { type EpochMs, iso, systemClock } from '../../src/shared/time.js';
import { type Check, failed, getToken, lacksToken, ok, warning } from './check.js';

const dayMs = 86_400_000;
const keyTypes = { ES256: 'EC P-256', ES384: 'EC P-384', RS256: 'RSA' } as const;
const newCa =
  'make a certificate for the CA (npx provisioner ca certificate --help), and set CA_CERTIFICATE of the functions';

/**
 * Checks the CA for certificate requests: the end of its certificate, and whether its key signs and belongs to the certificate. Costs one
 * signature. Without a CA there is nothing to check.
 */
export async function checkCa({ ca, certificate: { days } }: CaConfig): Promise<Check[]> {
  if (ca === null) return [];
  const parts = partsOfCa(ca);
  if (typeof parts === 'string')
    return [
      failed(
        'ca: certificate',
        parts,
        'correct CA_FILE: a file with the PEM of the private key and of the certificate',
      ),
    ];
  return checkParts(parts, days, systemClock.now());
}

/** Checks the certificates and the key of a CA. @param days CERT_DAYS */
export async function checkParts(
  { certificates, key }: { certificates: CaCertificates; key: CaKey },
  days: number,
  now: EpochMs,
): Promise<Check[]> {
  return [certificateCheck(certificates, days, now), await keyCheck(certificates, key)];
}

/** The CA signs nothing in the last day of its certificate, and no certificate of a device outlives the CA. */
function certificateCheck(
  { algorithm, notBefore, notAfter }: CaCertificates,
  days: number,
  now: EpochMs,
): Check {
  const name = 'ca: certificate';
  const end = iso(notAfter);
  if (now < notBefore)
    return failed(
      name,
      `the certificate of the CA begins at ${iso(notBefore)}`,
      `compare the clocks; otherwise ${newCa}`,
    );
  if (now >= notAfter)
    return failed(
      name,
      `the certificate of the CA ended at ${end}: devices with certificate requests wait`,
      newCa,
    );
  if (notAfter - now < dayMs)
    return failed(
      name,
      `the certificate of the CA ends at ${end}: the CA signs nothing in its last day`,
      newCa,
    );
  if (notAfter - now < days * dayMs)
    return warning(
      name,
      `ends at ${end}, in less than CERT_DAYS (${days}): the certificates of devices end with the CA`,
      newCa,
    );
  return ok(name, `${keyTypes[algorithm.name]}, valid until ${end}`);
}

async function keyCheck(certificates: CaCertificates, key: CaKey): Promise<Check> {
  const name = 'ca: key';
  try {
    if (await belongsTo(certificates, key))
      return ok(name, 'signs, and belongs to the certificate of the CA');
    return failed(
      name,
      'the key does not belong to the certificate of the CA',
      'set CA_KEY_VAULT_KEY to the URL of the key of CA_CERTIFICATE, with its version; or make a certificate for this key: npx provisioner ca certificate --help',
    );
  } catch (error) {
    const fault = ProvisioningError.from(error);
    if (lacksToken(fault)) return failed(name, 'no token for Key Vault', getToken);
    const todo = todos[fault.code] ?? 'run this command again; if the fault stays, report it';
    // A busy vault is no fault of the settings.
    return fault.code === 'ca-throttled'
      ? warning(name, fault.message, todo)
      : failed(name, fault.message, todo);
  }
}

const todos: Record<string, string> = {
  'ca-unavailable':
    'check CA_KEY_VAULT_KEY, the state of Key Vault, and that port 443 of the vault is open from this machine',
  'ca-throttled':
    'run this command again later; if the warning comes back often, give the CA a vault of its own',
  'ca-unauthorized':
    'give the role Key Vault Crypto User for the key to the identity of this command, and to the identity of the functions; check the firewall of the vault',
  'ca-unusable':
    'set CA_KEY_VAULT_KEY to the URL of an enabled key (EC P-256, EC P-384 or RSA) that may sign, and CA_CERTIFICATE to the certificate of this key',
};
