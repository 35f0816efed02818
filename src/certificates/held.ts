import type { ListedDevice } from '../balena/listing.js';
import type { VariableScope } from '../device/record.js';
import type { EpochMs } from '../shared/time.js';
import { readCertificate } from './read.js';

/** A certificate that a device holds. */
export interface Held {
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
export function heldBy({ uuid, certificates }: ListedDevice): Map<VariableScope, Held> {
  const held = new Map<VariableScope, Held>();
  for (const [scope, value] of certificates) {
    const read = readCertificate(value, uuid);
    if (!read) continue;
    const { parsed, thumbprint, notBefore, notAfter } = read;
    held.set(scope, { thumbprint, sha1: parsed.fingerprint.replaceAll(':', ''), notBefore, notAfter });
  }
  return held;
}
