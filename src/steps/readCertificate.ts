import { X509Certificate } from 'node:crypto';
import { thumbprintOf } from './mint.js';

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
