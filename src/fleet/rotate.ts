import { heldThumbprint, hubAccepts, isHalfStored } from '../device/state.js';
import type { Summary } from '../device/summary.js';
import { type Acceptance, type AcceptDependencies, acceptRotation } from '../provisioning/accept.js';
import type { EpochMs } from '../shared/time.js';

/** The options of a rotation. */
export interface RotateOptions {
  /** The hub must also stop accepting the old certificate, once balena has shown the new one. The device cannot connect before it uses the new one. */
  revoke?: boolean;
  /**
   * Rotate only if the device still holds this certificate. A caller can then safely repeat a rotation after a lost answer. Default: the
   * certificate held now.
   */
  thumbprint?: string;
  /** As in `DeviceRequest`. */
  due?: EpochMs;
  /** As in `DeviceRequest`. */
  action?: string;
}

/** The outcome of a rotation request. */
export type Rotation =
  | Acceptance
  | { kind: 'nothing-to-rotate'; why: 'no-record' | 'absent' | 'no-certificate' | 'own-key' | 'replaced' };

/**
 * Requests a new certificate for a device, at the device's present service. The hub accepts the new certificate before the device gets
 * the new certificate. The hub accepts the old certificate until the next renewal or rotation. With `revoke` the hub rejects the old certificate as
 * soon as balena has shown the new one. A second rotation does not replace a pending one. The certificate of an own key can only be revoked.
 *
 * @throws as `accept`
 */
export async function rotate(
  deps: AcceptDependencies,
  uuid: string,
  options: RotateOptions = {},
): Promise<Rotation> {
  const { revoke = false, thumbprint, due, action } = options;
  const stored = await deps.records.read(uuid);
  if (!stored) return { kind: 'nothing-to-rotate', why: 'no-record' };
  const { desired, observed } = stored.value;
  if (!desired.present) return { kind: 'nothing-to-rotate', why: 'absent' };
  const held = heldThumbprint(observed);
  // The hub may still accept a certificate that the caller names, also if the record does not know which certificate the device holds.
  const old = thumbprint ?? held;
  if (old === null || (held === null && !revoke)) return { kind: 'nothing-to-rotate', why: 'no-certificate' };
  // Only the device can make another certificate for its own key.
  if (desired.own && !revoke) return { kind: 'nothing-to-rotate', why: 'own-key' };
  // A replaced certificate must still be revoked, because the hub still accepts the certificate.
  if (old !== held && !revoke) return { kind: 'nothing-to-rotate', why: 'replaced' };
  const answer = await acceptRotation(deps, {
    uuid,
    present: true,
    ...(desired.own ? { service: null, own: desired.own } : { service: desired.service ?? '' }),
    retire: old,
    revoke,
    ...(due !== undefined && { due }),
    ...(action !== undefined && { action }),
  });
  // Another request was accepted between the reading and the writing. The rotation is decided once more, for the new desired state.
  return answer ?? rotate(deps, uuid, options);
}

/** Selects the devices of a rotation. A device must match every field. */
export interface RotationFilter {
  /** The rotation is a revocation. Only a revocation includes devices with an own key. */
  revoke?: boolean;
  fleet?: string;
  service?: string;
  /**
   * Selects certificates minted before this time, for example the time of a leak. `notBefore` of a certificate is five minutes before the
   * minting. Therefore certificates minted within five minutes after this time are rotated too.
   */
  mintedBefore?: EpochMs;
}

/**
 * The certificate of a device that a rotation includes: the one that the device holds, if the device is to be provisioned and matches the filter. If that one is not
 * old enough, a revocation includes the certificate before: the hub may still accept that one, and its date is not known.
 *
 * @returns the thumbprint; null if the rotation does not include the device
 */
export function thumbprintToRotate(summary: Summary, filter: RotationFilter = {}): string | null {
  const { operation, fleet, service, notBefore } = summary;
  const held = heldThumbprint(summary);
  if (operation === 'deprovision' || held === null) return null;
  if (summary.key === 'device' && !filter.revoke) return null;
  if (filter.fleet !== undefined && fleet !== filter.fleet) return null;
  if (filter.service !== undefined && service !== filter.service) return null;
  // If the date of the certificate is unknown, or may belong to another certificate, the certificate may be older than the leak.
  if (notBefore === null || isHalfStored(summary)) return held;
  if (filter.mintedBefore === undefined || notBefore < filter.mintedBefore) return held;
  return filter.revoke ? acceptedBefore(summary) : null;
}

/** The certificate before the held one, if the hub accepts that one, or may accept it. */
function acceptedBefore({ thumbprint, previous, hub }: Summary): string | null {
  if (previous === null || previous === thumbprint) return null;
  return !Array.isArray(hub) || hubAccepts(hub, previous) ? previous : null;
}
