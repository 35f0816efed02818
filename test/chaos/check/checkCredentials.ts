import { createPrivateKey, X509Certificate } from 'node:crypto';
import { type DeviceEvidence, holdsOurs } from './Evidence.js';

/**
 * Checks the credentials of a provisioned device.
 *
 * @returns the errors
 */
export function checkCredentials(
  { device, variables, identity }: Pick<DeviceEvidence, 'device' | 'variables' | 'identity'>,
  service: string,
): string[] {
  const { AZURE_CERT, AZURE_PRIVATE_KEY } = variables?.[service] ?? {};
  const found = Object.entries(variables ?? {})
    .filter(([scope, values]) => scope !== service && holdsOurs(values))
    .map(([scope]) => `variables are left at "${scope}"`);
  if (!AZURE_CERT || !AZURE_PRIVATE_KEY) return [...found, `the variables are missing at "${service}"`];
  if (!identity?.enabled) found.push('the hub has no enabled identity');
  try {
    const certificate = new X509Certificate(Buffer.from(AZURE_CERT, 'base64'));
    const key = createPrivateKey(Buffer.from(AZURE_PRIVATE_KEY, 'base64'));
    const thumbprint = certificate.fingerprint256.replaceAll(':', '');
    if (!certificate.checkPrivateKey(key)) found.push('the key is not that of the certificate');
    if (certificate.subject !== `CN=${device.uuid}`)
      found.push(`the certificate is for ${certificate.subject}`);
    if (!identity?.thumbprints.includes(thumbprint)) found.push('the hub does not accept the certificate');
  } catch {
    found.push('the variables are not a certificate and a key');
  }
  return found;
}
