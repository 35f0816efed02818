import { heldThumbprint, isHalfStored } from '../device/state.js';
import type { Summary } from '../device/summary.js';
import { type Acceptance, type AcceptDependencies, acceptRotation } from '../provisioning/accept.js';

export interface RotateOptions {
  /** The hub must stop to accept the old certificate at once, too: the device is cut off until it has the new one. */
  revoke?: boolean;
  /**
   * Only if this certificate is still the one that is held, so that a rotation can be asked for again after a lost answer. Default:
   * whatever is held.
   */
  thumbprint?: string;
  /** As of `Asked`. */
  due?: number;
  action?: string;
}

export type Rotation =
  | Acceptance
  | { kind: 'nothing-to-rotate'; why: 'no-record' | 'absent' | 'no-certificate' | 'replaced' };

/**
 * Has a device's certificate replaced, where it stands. The hub accepts the new one before the device gets it, and the old one
 * until the next rotation, unless it is revoked.
 *
 * @throws as `accept`
 */
export async function rotate(
  deps: AcceptDependencies,
  uuid: string,
  options: RotateOptions = {},
): Promise<Rotation> {
  const { revoke = false, thumbprint, due, action } = options;
  const found = await deps.records.read(uuid);
  if (!found) return { kind: 'nothing-to-rotate', why: 'no-record' };
  const { desired, observed } = found.value;
  if (!desired.present) return { kind: 'nothing-to-rotate', why: 'absent' };
  const held = heldThumbprint(observed);
  if (held === null) return { kind: 'nothing-to-rotate', why: 'no-certificate' };
  const old = thumbprint ?? held;
  // To revoke what was replaced in the meantime is still worth it: the hub accepts it.
  if (old !== held && !revoke) return { kind: 'nothing-to-rotate', why: 'replaced' };
  const answer = await acceptRotation(deps, {
    uuid,
    present: true,
    service: desired.service ?? '',
    retire: old,
    revoke,
    ...(due !== undefined && { due }),
    ...(action !== undefined && { action }),
  });
  // Another request came between the reading and the writing. The rotation is decided again for what that request says.
  return answer ?? rotate(deps, uuid, options);
}

/** Which devices are to be rotated; all of what is named must hold. */
export interface RotationFilter {
  fleet?: string;
  service?: string;
  /**
   * Unix ms: everything minted before it (a leak). By the certificate's own date, which is five minutes before it was minted: the
   * first five minutes after it are rotated as well.
   */
  mintedBefore?: number;
}

/** Whether a device is one of those to rotate: it is to be present, holds a certificate, and fits the filter. */
export function isToRotate(summary: Summary, filter: RotationFilter = {}): boolean {
  const { operation, fleet, service, notBefore } = summary;
  if (operation === 'deprovision' || heldThumbprint(summary) === null) return false;
  if (filter.fleet !== undefined && fleet !== filter.fleet) return false;
  if (filter.service !== undefined && service !== filter.service) return false;
  // Of a certificate whose date is not known, or may be another's, nobody can say that it was minted after the leak.
  if (notBefore === null || isHalfStored(summary)) return true;
  return filter.mintedBefore === undefined || notBefore < filter.mintedBefore;
}
