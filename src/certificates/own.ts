import { X509Certificate } from 'node:crypto';
import type { OwnCertificate } from '../device/record.js';
import type { EpochMs } from '../shared/time.js';
import { thumbprintOf } from './mint.js';
import { signatureAlgorithmOf } from './signatureAlgorithm.js';

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

/** The largest PEM, bytes. A certificate with an RSA key of 4,096 bits has less than 2 KiB. */
const mostBytes = 8 * 1024;
/** Base64 of the largest PEM, with line breaks. */
const mostCharacters = 12 * 1024;
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
  const certificate = parse(pemOf(text));
  const notBefore = Date.parse(certificate.validFrom);
  const notAfter = Date.parse(certificate.validTo);
  expectSubject(certificate, rules.uuid);
  const keyAlgorithm = keyAlgorithmOf(certificate);
  expectSignature(certificate);
  if (certificate.ca)
    throw new RefusedCertificate(
      'is-ca',
      'The certificate is a CA: send one with basicConstraints CA:FALSE.',
    );
  expectDates(notBefore, notAfter, rules);
  return { thumbprint: thumbprintOf(certificate), notBefore, notAfter, keyAlgorithm };
}

/** The DER of a certificate in PEM, or in base64 of the PEM. */
function pemOf(text: string): Buffer {
  if (text.length > mostCharacters) throw tooLarge();
  const trimmed = text.trim();
  const pem = trimmed.startsWith('-----') ? trimmed : (base64(trimmed)?.toString('latin1').trim() ?? '');
  if (pem.length > mostBytes) throw tooLarge();
  if (/PRIVATE KEY/.test(pem))
    throw new RefusedCertificate(
      'with-key',
      'The text contains a private key. The private key must never leave the device: make a new key, and send the certificate alone.',
    );
  const body = /^-----BEGIN CERTIFICATE-----\r?\n([A-Za-z0-9+/=\r\n \t]*)-----END CERTIFICATE-----$/.exec(
    pem,
  )?.[1];
  const der = body === undefined ? null : base64(body);
  if (!der) throw unreadable();
  return der;
}

/** @returns null if the text is not base64. Line breaks and blanks do not count */
function base64(text: string): Buffer | null {
  const plain = text.replaceAll(/[\r\n \t]/g, '');
  const isBase64 = plain.length > 0 && plain.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(plain);
  return isBase64 ? Buffer.from(plain, 'base64') : null;
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

/** The algorithm of an allowed key, such as `ec-p256`. */
function keyAlgorithmOf(certificate: X509Certificate): string {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details = {} } = publicKeyOf(certificate) ?? {};
  if (type === 'ec' && details.namedCurve === 'prime256v1') return 'ec-p256';
  if (type === 'ec' && details.namedCurve === 'secp384r1') return 'ec-p384';
  const { modulusLength = 0, publicExponent = 0n } = details;
  // An exponent of 1 makes every signature valid.
  if (type === 'rsa' && modulusLength >= 2048 && publicExponent >= 3n) return `rsa-${modulusLength}`;
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

/** The allowed algorithms of signatures: ECDSA and RSA (PKCS #1), each with SHA-256, SHA-384 and SHA-512. */
const signatureAlgorithms = [
  '1.2.840.10045.4.3.2',
  '1.2.840.10045.4.3.3',
  '1.2.840.10045.4.3.4',
  '1.2.840.113549.1.1.11',
  '1.2.840.113549.1.1.12',
  '1.2.840.113549.1.1.13',
];

function expectSignature(certificate: X509Certificate): void {
  if (!signatureAlgorithms.includes(signatureAlgorithmOf(certificate.raw) ?? ''))
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

function tooLarge(): RefusedCertificate {
  return new RefusedCertificate('too-large', 'The PEM of the certificate is larger than 8 KiB.');
}

function unreadable(): RefusedCertificate {
  return new RefusedCertificate(
    'unreadable',
    '"certificate" must be the PEM of one X.509 certificate, or base64 of that PEM.',
  );
}

function notSelfSigned(): RefusedCertificate {
  return new RefusedCertificate('not-self-signed', 'The certificate is not signed with its own key.');
}
