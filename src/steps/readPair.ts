import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { Spot } from '../edges/balena/Balena.js';
import type { Credentials } from './Credentials.js';
import { thumbprintOf } from './mint.js';

/**
 * The credentials that stand at a place in balena, if they are a device's own: both variables are there, the key is that of
 * the certificate, and the certificate is made out to the device.
 */
export function readPair(spot: Spot, uuid: string): Credentials | null {
  const certificate = spot.variables.AZURE_CERT?.value;
  const privateKey = spot.variables.AZURE_PRIVATE_KEY?.value;
  if (!certificate || !privateKey) return null;
  try {
    const parsed = new X509Certificate(Buffer.from(certificate, 'base64'));
    const key = createPrivateKey(Buffer.from(privateKey, 'base64').toString());
    if (!parsed.checkPrivateKey(key) || !parsed.subject.split('\n').includes(`CN=${uuid}`)) return null;
    return {
      thumbprint: thumbprintOf(parsed),
      notBefore: Date.parse(parsed.validFrom),
      notAfter: Date.parse(parsed.validTo),
      keyAlgorithm:
        key.asymmetricKeyType === 'ec' ? 'ec-p256' : `rsa-${key.asymmetricKeyDetails?.modulusLength ?? ''}`,
      certificate,
      privateKey,
    };
  } catch {
    // Whatever stands there is no certificate and key.
    return null;
  }
}
