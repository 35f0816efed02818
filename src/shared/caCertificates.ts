import { X509Certificate } from 'node:crypto';
import { type CaAlgorithm, caAlgorithmOf } from './caAlgorithm.js';
import type { EpochMs } from './time.js';

/** The certificates of a CA. */
export interface CaCertificates {
  /** The certificate of the key that signs. */
  signer: X509Certificate;
  algorithm: CaAlgorithm;
  /** The PEM of the signer's certificate, and of the certificates above it. */
  chain: string;
  notBefore: EpochMs;
  notAfter: EpochMs;
}

/** The signer, and at most three certificates above it. */
const mostCertificates = 4;
const pemOfOne = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;

/**
 * Reads the certificates of a CA.
 *
 * @param text PEM, or base64 of the PEM: the signer first, and each further certificate above the one before
 * @returns a fault in words, as the end of a sentence, if the text has another content
 */
export function readCaCertificates(text: string): CaCertificates | string {
  const pem = text.includes('-----BEGIN') ? text : Buffer.from(text, 'base64').toString('latin1');
  const certificates = [...pem.matchAll(pemOfOne)].map(([each]) => parse(each));
  const [signer, ...above] = certificates;
  if (!signer || certificates.includes(null) || certificates.length > mostCertificates)
    return `must be the PEM of a CA's certificate, or base64 of the PEM; up to ${mostCertificates - 1} certificates above it may follow`;
  // OpenSSL also demands keyCertSign, if the certificate has a keyUsage.
  if (!signer.ca)
    return 'must be the certificate of a CA: basicConstraints with CA:TRUE, and keyUsage with keyCertSign';
  const algorithm = caAlgorithmOf(signer.publicKey);
  if (algorithm === null) return 'must have a key of EC P-256, EC P-384, or RSA from 2048 bits';
  const chain = [signer, ...(above as X509Certificate[])];
  if (!chain.every((each, i) => i === 0 || isIssued(chain[i - 1] as X509Certificate, each)))
    return 'must have each further certificate above the one before: one of them has not signed the one before';
  return {
    signer,
    algorithm,
    chain: chain.map((each) => each.toString()).join(''),
    notBefore: Date.parse(signer.validFrom),
    notAfter: Date.parse(signer.validTo),
  };
}

function parse(pem: string): X509Certificate | null {
  try {
    return new X509Certificate(pem);
  } catch {
    return null;
  }
}

/** Whether a certificate was signed with the key of the other one. */
export function isIssued(certificate: X509Certificate, by: X509Certificate): boolean {
  try {
    return certificate.checkIssued(by) && certificate.verify(by.publicKey);
  } catch {
    return false;
  }
}
