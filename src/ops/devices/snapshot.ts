import type { Records } from '../../device/repository.js';
import type { Clock, EpochMs } from '../../shared/time.js';
import { openSnapshotCache, type SnapshotCache } from '../shared/snapshotCache.js';
import { DeviceIndex, IndexPartition } from './DeviceIndex.js';

/** All devices, and the time of the reading. */
export interface DeviceSnapshot {
  devices: DeviceIndex;
  asOf: EpochMs;
}

/** Keeps an index of all records in memory, less than 200 bytes for each record. Throws ProvisioningError `records-unavailable`. */
export type DeviceSnapshots = SnapshotCache<DeviceSnapshot>;

/** Covers the difference between the writers' clocks, and the duration of a write. */
const overlapMs = 120_000;
/** A reading of changes misses removed rows, and rows changed by hand. Each partition is therefore read again after this time. */
const rereadAfterMs = 900_000;
const partitions = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0'));
const partitionMs = rereadAfterMs / partitions.length;

/**
 * The first reading takes all records. The next readings take the records written since the previous reading, and one partition after the
 * other.
 */
export function openDeviceSnapshots({ records, clock }: { records: Records; clock: Clock }): DeviceSnapshots {
  let known = new DeviceIndex();
  let lastAsOf: EpochMs = 0;
  /** Until this time, the partitions have had their turns. */
  let rereadUntil = Number.NEGATIVE_INFINITY;
  let next = 0;

  async function readAll(asOf: EpochMs): Promise<void> {
    const all = new DeviceIndex();
    for await (const entry of records.indexEntries()) all.put(entry);
    known = all;
    rereadUntil = asOf;
  }

  async function readNextPartition(): Promise<void> {
    const name = partitions[next]!;
    const partition = new IndexPartition();
    for await (const entry of records.indexEntries({ startsWith: name })) partition.put(entry);
    known.replace(name, partition);
    next = (next + 1) % partitions.length;
    rereadUntil += partitionMs;
  }

  return openSnapshotCache(clock, async () => {
    const asOf = clock.now();
    if (asOf - rereadUntil >= rereadAfterMs) await readAll(asOf);
    else {
      while (asOf - rereadUntil >= partitionMs) await readNextPartition();
      for await (const entry of records.indexEntries({ changedSince: lastAsOf - overlapMs }))
        known.put(entry);
    }
    lastAsOf = asOf;
    return { devices: known, asOf };
  });
}
