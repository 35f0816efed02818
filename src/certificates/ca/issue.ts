import { X509Certificate } from 'node:crypto';
import type { X509CertificateCreateWithKeyParams } from '@peculiar/x509';
import type { KeyToSign, OwnCertificate } from '../../device/record.js';
import type { CaAlgorithm } from '../../shared/caAlgorithm.js';
import type { CaCertificates } from '../../shared/caCertificates.js';
import type { EpochMs } from '../../shared/time.js';
import { backdatedMs } from '../mint.js';
import type { CaKey } from './caKey.js';

const dayMs = 86_400_000;

/** A certificate to sign. */
export interface CertificateToSign {
  uuid: string;
  own: KeyToSign;
  now: EpochMs;
  /** The longest lifetime, days. The certificate ends before the certificate of the CA. */
  days: number;
  /** The longest time for the call to the key, ms. */
  timeoutMs: number;
}

/**
 * Makes the certificate of a device, and lets the key of the CA sign the certificate. Subject, extensions, lifetime and serial number are
 * the product's own. The serial number is random.
 *
 * @throws ProvisioningError `ca-…`
 */
export async function issue(
  { signer, algorithm, notAfter }: CaCertificates,
  key: CaKey,
  { uuid, own, now, days, timeoutMs }: CertificateToSign,
): Promise<OwnCertificate> {
  const x509 = await import('../x509.js');
  const ca = new x509.X509Certificate(signer.raw);
  const keyId = ca.getExtension(x509.SubjectKeyIdentifierExtension)?.keyId;
  const certificate = await signWith(key, algorithm, timeoutMs, {
    subject: `CN=${uuid}`,
    // The issuer has the same bytes as the subject of the CA.
    issuer: ca.subjectName,
    notBefore: new Date(now - backdatedMs),
    notAfter: new Date(Math.min(now + days * dayMs, notAfter)),
    publicKey: Uint8Array.from(Buffer.from(own.publicKey, 'base64')),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth]),
      new x509.SubjectKeyIdentifierExtension(keyIdOf(own.key)),
      ...(keyId === undefined ? [] : [new x509.AuthorityKeyIdentifierExtension(keyId)]),
    ],
  });
  return {
    thumbprint: certificate.fingerprint256.replaceAll(':', ''),
    notBefore: Date.parse(certificate.validFrom),
    notAfter: Date.parse(certificate.validTo),
    key: own.key,
    keyAlgorithm: own.keyAlgorithm,
    certificate: certificate.raw.toString('base64'),
  };
}

/** What a certificate says. */
type Content = Pick<
  X509CertificateCreateWithKeyParams,
  'subject' | 'issuer' | 'notBefore' | 'notAfter' | 'publicKey' | 'extensions'
>;

/**
 * Makes a certificate whose signature comes from the key of a CA.
 *
 * @throws ProvisioningError `ca-…`
 */
export async function signWith(
  key: CaKey,
  algorithm: CaAlgorithm,
  timeoutMs: number,
  content: Content,
): Promise<X509Certificate> {
  const { X509CertificateGenerator } = await import('../x509.js');
  const signed = await X509CertificateGenerator.create(
    {
      ...content,
      // The library only hands over the key to `sign` below.
      signingKey: { algorithm: algorithm.web } as unknown as CryptoKey,
      signingAlgorithm: algorithm.web,
    },
    signingBy((data) => key.sign(algorithm, data, timeoutMs)),
  );
  return new X509Certificate(Buffer.from(signed.rawData));
}

/** The id of a key (RFC 7093, method 4): the leftmost 160 bits of the SHA-256 of the public key. @param hash upper-case hex */
export const keyIdOf = (hash: string) => hash.slice(0, 40);

/** A WebCrypto whose signatures come from elsewhere. The library uses nothing else of WebCrypto here. */
function signingBy(sign: (data: Buffer) => Promise<Buffer>): Crypto {
  return {
    getRandomValues: (array: Uint8Array<ArrayBuffer>) => crypto.getRandomValues(array),
    subtle: { sign: (_algorithm: unknown, _key: unknown, data: ArrayBuffer) => sign(Buffer.from(data)) },
  } as unknown as Crypto;
}
