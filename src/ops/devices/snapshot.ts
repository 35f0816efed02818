import type { Records } from '../../device/repository.js';
import type { Clock, EpochMs } from '../../shared/time.js';
import { openSnapshotCache, type SnapshotCache } from '../shared/snapshotCache.js';
import { DeviceIndex } from './DeviceIndex.js';

/** All devices, and the time of the reading. */
export interface DeviceSnapshot {
  devices: DeviceIndex;
  asOf: EpochMs;
}

/** Keeps an index of all records in memory, less than 200 bytes for each record. Throws ProvisioningError `records-unavailable`. */
export type DeviceSnapshots = SnapshotCache<DeviceSnapshot>;

/** Covers the difference between the writers' clocks, and the duration of a write. */
const overlapMs = 120_000;
/** An incremental reading misses removed rows, and rows changed by hand. A full reading after this time finds both. */
const rereadAllAfterMs = 900_000;

/** The first reading takes all records. The next readings take only the records written since the previous reading. */
export function openDeviceSnapshots({ records, clock }: { records: Records; clock: Clock }): DeviceSnapshots {
  let known = new DeviceIndex();
  let allReadAt = Number.NEGATIVE_INFINITY;
  let lastAsOf: EpochMs = 0;

  return openSnapshotCache(clock, async () => {
    const asOf = clock.now();
    if (asOf - allReadAt > rereadAllAfterMs) {
      const all = new DeviceIndex();
      for await (const summary of records.summaries()) all.put(summary);
      known = all;
      allReadAt = asOf;
    } else {
      for await (const summary of records.summaries({ changedSince: lastAsOf - overlapMs }))
        known.put(summary);
    }
    lastAsOf = asOf;
    return { devices: known, asOf };
  });
}
