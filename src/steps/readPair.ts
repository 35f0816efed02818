import { createPrivateKey } from 'node:crypto';
import type { Spot } from '../edges/balena/Balena.js';
import type { Credentials } from './Credentials.js';
import { readCertificate } from './readCertificate.js';

/**
 * The credentials that stand at a place in balena, if they are a device's own: both variables are there, the key is that of
 * the certificate, and the certificate is made out to the device.
 */
export function readPair(spot: Spot, uuid: string): Credentials | null {
  const certificate = spot.variables.AZURE_CERT?.value;
  const privateKey = spot.variables.AZURE_PRIVATE_KEY?.value;
  if (!certificate || !privateKey) return null;
  const read = readCertificate(certificate, uuid);
  if (!read) return null;
  try {
    const key = createPrivateKey(Buffer.from(privateKey, 'base64').toString());
    if (!read.parsed.checkPrivateKey(key)) return null;
    return {
      thumbprint: read.thumbprint,
      notBefore: read.notBefore,
      notAfter: read.notAfter,
      keyAlgorithm:
        key.asymmetricKeyType === 'ec' ? 'ec-p256' : `rsa-${key.asymmetricKeyDetails?.modulusLength ?? ''}`,
      certificate,
      privateKey,
    };
  } catch {
    // Whatever stands there is no key.
    return null;
  }
}
