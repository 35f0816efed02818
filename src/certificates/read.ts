import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { ScopedVariables } from '../balena/types.js';
import { type Credentials, thumbprintOf } from './mint.js';

/** What a certificate in a variable says. */
export interface ReadCertificate {
  parsed: X509Certificate;
  /** SHA-256, upper-case hex. */
  thumbprint: string;
  /** Unix ms. */
  notBefore: number;
  /** Unix ms. */
  notAfter: number;
}

/**
 * A certificate as it stands in `AZURE_CERT`, if it is made out to the device.
 *
 * @param value base64 of the PEM
 * @returns null for anything else
 */
export function readCertificate(value: string, uuid: string): ReadCertificate | null {
  try {
    const parsed = new X509Certificate(Buffer.from(value, 'base64'));
    if (!parsed.subject.split('\n').includes(`CN=${uuid}`)) return null;
    return {
      parsed,
      thumbprint: thumbprintOf(parsed),
      notBefore: Date.parse(parsed.validFrom),
      notAfter: Date.parse(parsed.validTo),
    };
  } catch {
    return null;
  }
}

/**
 * The credentials that stand at a place in balena, if they are a device's own: both variables are there, the key is that of
 * the certificate, and the certificate is made out to the device.
 */
export function readPair(scopedVariables: ScopedVariables, uuid: string): Credentials | null {
  const certificate = scopedVariables.variables.AZURE_CERT?.value;
  const privateKey = scopedVariables.variables.AZURE_PRIVATE_KEY?.value;
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
