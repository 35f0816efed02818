import type { ProvisioningError } from '../ProvisioningError.js';
import type { Tools } from './Tools.js';

/**
 * Does a failed run count as an attempt? Only if this device's own work failed. That the other side is down, throttles or
 * refuses our credentials is not the device's fault, and must not end its request, however long it lasts.
 */
export async function isCounted({ circuits }: Tools, { code, retry }: ProvisioningError): Promise<boolean> {
  // That a device to be removed cannot be seen may never change.
  const isUnseen = code === 'device-not-found' && retry === 'later';
  if (code !== 'timed-out' && code !== 'unexpected' && !isUnseen) return false;
  try {
    const rows = await Promise.all([circuits.balena.read(), circuits.hub.read()]);
    return rows.every(({ state }) => state === 'closed');
  } catch {
    // The records are down as well: nothing speaks against the device.
    return false;
  }
}
