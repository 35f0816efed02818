import { isToRevoke } from '../../../src/device/state.js';
import { type CloudDevice, hubAccepts, wholePairAt } from './createCloud.js';
import type { System } from './createSystem.js';
import { mayRetireIssued } from './watchOwnKey.js';

/**
 * In a calm history no device is ever cut off: the hub accepts the pair that the device holds, until a deprovisioning. A revocation does
 * not cut a device off either: the device holds the new pair before. A deprovisioning that was overtaken, for example because its run lost the
 * lease, has cut the device off: the hub accepts the pair again with a later write, and a revoked pair not at all.
 */
export function watchAvailability(system: System, device: CloudDevice): void {
  const { world, atWork, held, accepted, withdrawn } = system;
  const { uuid, gone, tampered, hidden, identity } = device;
  const before = accepted.get(uuid) ?? [];
  accepted.set(uuid, Array.isArray(identity) ? [...identity] : []);
  const desired = atWork.get(uuid);
  if (desired?.present === false)
    for (const thumbprint of before)
      if (!hubAccepts(device, thumbprint)) withdrawn.add(`${uuid} ${thumbprint}`);
  if (!world.calm || gone || tampered || hidden || !desired?.present) {
    held.delete(uuid);
    return;
  }
  // The variables of an issued key stay with its certificate, and no longer.
  if (desired.own && mayRetireIssued(system, device)) held.delete(uuid);
  // The device has its own key already, so a revocation of the issued certificate waits for nothing.
  if (desired.own && isToRevoke(desired, held.get(uuid) ?? null)) held.delete(uuid);
  const stands = desired.own ? null : wholePairAt(device, desired.service ?? '');
  if (stands) held.set(uuid, stands);
  const pair = held.get(uuid);
  if (pair === undefined || hubAccepts(device, pair)) return;
  held.delete(uuid);
  const wasCutOff = isToRevoke(desired, pair) || withdrawn.has(`${uuid} ${pair}`);
  if (before.includes(pair) || !wasCutOff) world.violated(uuid, 'outage');
}
