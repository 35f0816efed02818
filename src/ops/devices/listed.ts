import type { IndexEntry } from '../../device/indexEntry.js';
import type { Records } from '../../device/repository.js';
import type { Clock, EpochMs } from '../../shared/time.js';
import { openSnapshotCache, type SnapshotCache } from '../shared/snapshotCache.js';

/** The devices with something to do or to see, and the time of the reading. */
export interface ListedSnapshot {
  /** Devices with pending work, with a request that failed for good, or whose last check failed. */
  devices: IndexEntry[];
  /** The expiries of the certificates that are expired or late, see `lateAfterMs`. */
  expiries: EpochMs[];
  asOf: EpochMs;
}

/** Throws ProvisioningError `records-unavailable`. */
export type ListedSnapshots = SnapshotCache<ListedSnapshot>;

const lists = ['pending', 'dead', 'check-failed'] as const;

/**
 * Opens the reading of the lists. Its costs grow with the number of these devices, and not with the number of all devices.
 *
 * @param lateCertificateMs a certificate that expires within this time is late, ms
 */
export function openListedSnapshots({
  records,
  clock,
  lateCertificateMs,
}: {
  records: Records;
  clock: Clock;
  lateCertificateMs: number;
}): ListedSnapshots {
  return openSnapshotCache(clock, async () => {
    const asOf = clock.now();
    const [expiring, ...listed] = await Promise.all([
      records.listedEntries('expiring', asOf + lateCertificateMs + 1),
      ...lists.map((list) => records.listedEntries(list)),
    ]);
    const devices = new Map(listed.flat().map((entry) => [entry.uuid, entry]));
    const expiries = expiring.flatMap(({ expiresAt }) => expiresAt || []);
    return { devices: [...devices.values()], expiries, asOf };
  });
}
