import type { DeviceFacts } from '../../health/incidents.js';
import type { EpochMs } from '../../shared/time.js';
import type { IndexedDevice } from '../devices/DeviceIndex.js';
import { isOpenFailure } from '../devices/failures.js';

/**
 * Counts what the state of the system needs to know about the devices.
 *
 * @param devices at least the devices with pending work, with a failed request, or whose last check failed
 * @param expiries at least the expiries of the certificates that are expired or late
 * @param lateCertificateMs a certificate that expires within this time is late, ms
 */
export function deviceFactsOf(
  devices: Iterable<Pick<IndexedDevice, 'fleet' | 'present' | 'refused' | 'due' | 'checkFailed'>>,
  expiries: Iterable<EpochMs>,
  { now, lateCertificateMs }: { now: EpochMs; lateCertificateMs: number },
): DeviceFacts {
  const facts = { waiting: 0, lastDue: 0, failed: 0, checksFailed: 0 };
  const certificates = { expired: 0, late: 0 };
  for (const device of devices) {
    const { present, refused, due, checkFailed } = device;
    if (present.job === 'pending') {
      facts.waiting += 1;
      facts.lastDue = Math.max(facts.lastDue, due);
    }
    facts.failed += [present, refused].filter((part) => isOpenFailure(device, part)).length;
    if (checkFailed) facts.checksFailed += 1;
  }
  for (const expiresAt of expiries) {
    if (expiresAt <= now) certificates.expired += 1;
    else if (expiresAt <= now + lateCertificateMs) certificates.late += 1;
  }
  return { ...facts, certificates };
}
