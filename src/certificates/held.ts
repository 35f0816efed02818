import type { ListedDevice } from '../balena/listing.js';
import type { VariableScope } from '../device/record.js';
import { readCertificate } from './read.js';

/** A certificate that a device holds. */
export interface Held {
  /** SHA-256, upper-case hex. */
  thumbprint: string;
  /** SHA-1, upper-case hex: identities of the old function are known by it. */
  sha1: string;
  /** Unix ms. */
  notBefore: number;
  /** Unix ms. */
  notAfter: number;
}

/**
 * The certificates that a device holds, by place: those that are made out to it, with a key beside them. Whether the key is the
 * right one is for a worker to find out.
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
