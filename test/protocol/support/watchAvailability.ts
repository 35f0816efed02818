import { type CloudDevice, hubAccepts, wholePairAt } from './createCloud.js';
import type { System } from './createSystem.js';

/** In a calm history no device is ever cut off: the hub accepts the device's pair until a revocation or a deprovisioning. */
export function watchAvailability({ world, atWork, held }: System, device: CloudDevice): void {
  const { uuid, gone, tampered, hidden } = device;
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
  if (!(desired.revoke && pair === desired.retire)) world.violated(uuid, 'outage');
}
