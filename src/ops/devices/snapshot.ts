import type { Records } from '../../device/repository.js';
import type { Summary } from '../../device/summary.js';
import type { Clock, EpochMs } from '../../shared/time.js';
import { openSnapshotCache, type SnapshotCache } from '../shared/snapshotCache.js';

/** All summaries, and the time of the reading. */
export interface DeviceSnapshot {
  /** By uuid. */
  records: ReadonlyMap<string, Summary>;
  asOf: EpochMs;
}

/** Keeps the summaries of all records in memory, about a kilobyte for each record. Throws ProvisioningError `records-unavailable`. */
export type DeviceSnapshots = SnapshotCache<DeviceSnapshot>;

/** Covers the difference between the writers' clocks, and the duration of a write. */
const overlapMs = 120_000;
/** An incremental reading misses removed rows, and rows changed by hand. A full reading after this time finds both. */
const rereadAllAfterMs = 900_000;

/** The first reading takes all records. The next readings take only the records written since the previous reading. */
export function openDeviceSnapshots({ records, clock }: { records: Records; clock: Clock }): DeviceSnapshots {
  let known = new Map<string, Summary>();
  let allReadAt = Number.NEGATIVE_INFINITY;
  let lastAsOf: EpochMs = 0;

  return openSnapshotCache(clock, async () => {
    const asOf = clock.now();
    if (asOf - allReadAt > rereadAllAfterMs) {
      const all = new Map<string, Summary>();
      for await (const summary of records.summaries()) all.set(summary.uuid, summary);
      known = all;
      allReadAt = asOf;
    } else {
      for await (const summary of records.summaries({ changedSince: lastAsOf - overlapMs }))
        known.set(summary.uuid, summary);
    }
    lastAsOf = asOf;
    return { records: known, asOf };
  });
}
