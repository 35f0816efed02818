import { isToRevoke } from '../../../src/device/state.js';
import { type CloudDevice, hubAccepts, wholePairAt } from './createCloud.js';
import type { System } from './createSystem.js';

/**
 * In a calm history no device is ever cut off: the hub accepts the pair that the device holds, until a deprovisioning. A revocation does
 * not cut a device off either: the device holds the new pair before. Only what the hub has ceased to accept for another cause, for example a
 * deprovisioning that was overtaken, is not accepted again for a revoked pair.
 */
export function watchAvailability({ world, atWork, held, accepted }: System, device: CloudDevice): void {
  const { uuid, gone, tampered, hidden, identity } = device;
  const before = accepted.get(uuid) ?? [];
  accepted.set(uuid, Array.isArray(identity) ? [...identity] : []);
  const desired = atWork.get(uuid);
  if (!world.calm || gone || tampered || hidden || !desired?.present) {
    held.delete(uuid);
    return;
  }
  const stands = wholePairAt(device, desired.service ?? '');
  if (stands) held.set(uuid, stands);
  const pair = held.get(uuid);
  if (pair === undefined || hubAccepts(device, pair)) return;
  held.delete(uuid);
  if (before.includes(pair) || !isToRevoke(desired, pair)) world.violated(uuid, 'outage');
}
