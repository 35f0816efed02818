import { X509Certificate } from 'node:crypto';
import type { OwnCertificate, PublicKey } from '../device/record.js';
import type { EpochMs } from '../shared/time.js';
import { thumbprintOf } from './mint.js';
import { derOf, type PemFault } from './pem.js';
import { allowedKey } from './publicKey.js';
import { strongHashOf } from './signatureAlgorithm.js';

/** The reasons for which the certificate of an own key is refused. The HTTP API has an error code for each. */
export type Refusal =
  | 'unreadable'
  | 'too-large'
  | 'with-key'
  | 'wrong-subject'
  | 'not-self-signed'
  | 'weak-key'
  | 'weak-signature'
  | 'is-ca'
  | 'not-valid'
  | 'too-long';

/** The certificate of an own key is refused. */
export class RefusedCertificate extends Error {
  /** @param message one sentence, without any part of the certificate */
  constructor(
    readonly reason: Refusal,
    message: string,
  ) {
    super(message);
    this.name = 'RefusedCertificate';
  }
}

/** The rules for the certificates of own keys. */
export interface OwnCertificateRules {
  uuid: string;
  now: EpochMs;
  /** The longest lifetime in days (CERT_DAYS). */
  days: number;
}

const minutes = 60_000;
const days = 86_400_000;
/** The clock of a device may be ahead by this time. */
const clockSkewMs = 5 * minutes;
/** A certificate may be backdated, as the certificates of this product are, by this time. */
const moreLifeMs = 10 * minutes;

/**
 * Reads and checks the certificate of an own key.
 *
 * @param text the PEM of one certificate, or base64 of the PEM
 * @throws RefusedCertificate
 */
export function readOwnCertificate(text: string, rules: OwnCertificateRules): OwnCertificate {
  const der = derOf(text, ['CERTIFICATE']);
  if (typeof der === 'string') throw pemFaults[der]();
  const certificate = parse(der);
  const notBefore = Date.parse(certificate.validFrom);
  const notAfter = Date.parse(certificate.validTo);
  expectSubject(certificate, rules.uuid);
  const publicKey = expectKey(certificate);
  expectSignature(certificate);
  if (certificate.ca)
    throw new RefusedCertificate(
      'is-ca',
      'The certificate is a CA: send one with basicConstraints CA:FALSE.',
    );
  expectDates(notBefore, notAfter, rules);
  return { thumbprint: thumbprintOf(certificate), notBefore, notAfter, ...publicKey };
}

function parse(der: Buffer): X509Certificate {
  try {
    const certificate = new X509Certificate(der);
    // The parser ignores bytes behind the certificate, and OpenSSL also reads other forms than DER.
    if (certificate.raw.equals(der)) return certificate;
  } catch {
    // The message of the parser says nothing that helps the caller.
  }
  throw unreadable();
}

function expectSubject({ subject, issuer }: X509Certificate, uuid: string): void {
  const expected = `CN=${uuid}`;
  if (subject !== expected)
    throw new RefusedCertificate(
      'wrong-subject',
      `The subject of the certificate must be exactly ${expected}.`,
    );
  if (issuer !== expected) throw notSelfSigned();
}

function expectKey(certificate: X509Certificate): PublicKey {
  const allowed = allowedKey(publicKeyOf(certificate));
  if (allowed) return { key: allowed.key, keyAlgorithm: allowed.keyAlgorithm };
  throw new RefusedCertificate(
    'weak-key',
    'The key of the certificate must be EC P-256, EC P-384, or RSA from 2048 bits.',
  );
}

function publicKeyOf(certificate: X509Certificate) {
  try {
    return certificate.publicKey;
  } catch {
    return null;
  }
}

function expectSignature(certificate: X509Certificate): void {
  if (strongHashOf(certificate.raw) === null)
    throw new RefusedCertificate(
      'weak-signature',
      'The certificate must be signed with SHA-256, SHA-384 or SHA-512 (ECDSA, or RSA with PKCS #1).',
    );
  if (!isSignedWithOwnKey(certificate)) throw notSelfSigned();
}

function isSignedWithOwnKey(certificate: X509Certificate): boolean {
  try {
    return certificate.verify(certificate.publicKey);
  } catch {
    return false;
  }
}

function expectDates(notBefore: EpochMs, notAfter: EpochMs, rules: OwnCertificateRules): void {
  // An unreadable date is NaN, and meets no condition.
  const isValidNow = notBefore <= rules.now + clockSkewMs && notAfter > rules.now;
  if (!isValidNow)
    throw new RefusedCertificate(
      'not-valid',
      `The certificate is not valid now (${new Date(rules.now).toISOString()}): is the clock of the device right?`,
    );
  if (notAfter - notBefore > rules.days * days + moreLifeMs)
    throw new RefusedCertificate(
      'too-long',
      `The certificate must not last longer than ${rules.days} days (CERT_DAYS).`,
    );
}

function unreadable(): RefusedCertificate {
  return new RefusedCertificate(
    'unreadable',
    '"certificate" must be the PEM of one X.509 certificate, or base64 of that PEM.',
  );
}

const pemFaults: Record<PemFault, () => RefusedCertificate> = {
  unreadable,
  'too-large': () => new RefusedCertificate('too-large', 'The PEM of the certificate is larger than 8 KiB.'),
  'with-key': () =>
    new RefusedCertificate(
      'with-key',
      'The text contains a private key. The private key must never leave the device: make a new key, and send the certificate alone.',
    ),
};

function notSelfSigned(): RefusedCertificate {
  return new RefusedCertificate('not-self-signed', 'The certificate is not signed with its own key.');
}
