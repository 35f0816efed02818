import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { ListedDevice } from '../balena/listing.js';
import type { ScopedVariables } from '../balena/types.js';
import type { VariableScope } from '../device/record.js';
import type { EpochMs } from '../shared/time.js';
import { type Credentials, thumbprintOf } from './mint.js';

/** The data of a certificate in a variable. */
export interface ReadCertificate {
  parsed: X509Certificate;
  /** SHA-256, upper-case hex. */
  thumbprint: string;
  notBefore: EpochMs;
  notAfter: EpochMs;
}

/**
 * Reads a certificate from the value of `AZURE_CERT`.
 *
 * @param value base64 of the PEM
 * @returns null if the value is no certificate or the subject is not `CN={uuid}`
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
 * Reads the credentials in a variable scope.
 *
 * @returns null unless both variables exist, the key matches the certificate, and the certificate's subject is `CN={uuid}`
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
    // The variable holds no private key.
    return null;
  }
}

/**
 * The names of services of other applications that hold a certificate of this device, or a key without a certificate. Earlier versions
 * of this product stored credentials there.
 */
export function foreignServicesOf({ uuid, foreignCertificates }: ListedDevice): string[] {
  return foreignCertificates
    .filter(({ certificate }) => certificate === null || readCertificate(certificate, uuid))
    .map(({ service }) => service);
}

/** A certificate that a device holds. */
export interface HeldCertificate {
  /** SHA-256, upper-case hex. */
  thumbprint: string;
  /** SHA-1, upper-case hex. The identities of the previous provisioning function have this thumbprint. */
  sha1: string;
  notBefore: EpochMs;
  notAfter: EpochMs;
}

/**
 * The certificates of a device, by variable scope. Only certificates with the subject `CN={uuid}` and a key beside them count. A worker
 * checks later whether the key matches the certificate.
 */
export function heldBy({ uuid, certificates }: ListedDevice): Map<VariableScope, HeldCertificate> {
  const held = new Map<VariableScope, HeldCertificate>();
  for (const [scope, value] of certificates) {
    const read = readCertificate(value, uuid);
    if (!read) continue;
    const { parsed, thumbprint, notBefore, notAfter } = read;
    held.set(scope, { thumbprint, sha1: parsed.fingerprint.replaceAll(':', ''), notBefore, notAfter });
  }
  return held;
}
