import type { IndexedPart } from '../../device/indexEntry.js';
import type { IndexedDevice } from './DeviceIndex.js';

/**
 * Whether a request failed for good, and an operator can still replay or discard it. A request for a device that balena never had is no dead
 * letter: its record is removed a day later. Page, CLI and API count failed requests by this rule.
 */
export function isOpenFailure({ fleet }: Pick<IndexedDevice, 'fleet'>, { job, code }: IndexedPart): boolean {
  if (job !== 'dead' && job !== 'cancelled') return false;
  return code !== 'device-not-found' || fleet !== null;
}
