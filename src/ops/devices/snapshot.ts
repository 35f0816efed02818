import type { Records, Where } from '../../device/repository.js';
import { forEachConcurrently } from '../../shared/async.js';
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
 * All records are read in as many ranges at the same time, by the first digit of the uuid. The pages of one scan come one after the other:
 * 100,000 records are 7 pages in each range, and 100 pages in one scan.
 */
const ranges = [...'0123456789abcdef'];
/** So many records fit into one page of the tables. One scan is then enough. */
const pageSize = 1_000;

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

  async function readRanges(into: DeviceIndex, where: Pick<Where, 'changedSince'> = {}): Promise<void> {
    await forEachConcurrently(ranges, ranges.length, async (startsWith) => {
      for await (const entry of records.indexEntries({ ...where, startsWith })) into.put(entry);
    });
  }

  async function readAll(asOf: EpochMs): Promise<void> {
    const all = new DeviceIndex();
    await readRanges(all);
    known = all;
    rereadUntil = asOf;
  }

  async function readChanges(changedSince: EpochMs): Promise<void> {
    if (known.size > pageSize) return readRanges(known, { changedSince });
    for await (const entry of records.indexEntries({ changedSince })) known.put(entry);
  }

  async function readPartition(name: string): Promise<void> {
    const partition = new IndexPartition();
    for await (const entry of records.indexEntries({ startsWith: name })) partition.put(entry);
    known.replace(name, partition);
  }

  /** Reads the partitions whose turns have come. After a failure, all of them are read again. */
  async function readDuePartitions(asOf: EpochMs): Promise<void> {
    const count = Math.floor((asOf - rereadUntil) / partitionMs);
    const due = Array.from({ length: count }, (_, i) => partitions[(next + i) % partitions.length]!);
    await forEachConcurrently(due, ranges.length, readPartition);
    next = (next + count) % partitions.length;
    rereadUntil += count * partitionMs;
  }

  return openSnapshotCache(clock, async () => {
    const asOf = clock.now();
    if (asOf - rereadUntil >= rereadAfterMs) await readAll(asOf);
    else {
      await readDuePartitions(asOf);
      await readChanges(lastAsOf - overlapMs);
    }
    lastAsOf = asOf;
    return { devices: known, asOf };
  });
}
