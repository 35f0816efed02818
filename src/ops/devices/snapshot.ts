import type { Records } from '../../device/repository.js';
import type { Summary } from '../../device/summary.js';
import type { Clock, EpochMs } from '../../shared/time.js';

/** All summaries, and the time of the reading. */
export interface DeviceSnapshot {
  /** By uuid. */
  records: ReadonlyMap<string, Summary>;
  asOf: EpochMs;
}

/** Keeps the summaries of all records in memory, about a kilobyte for each record. */
export interface DeviceSnapshots {
  /**
   * Reads the snapshot. Concurrent callers share one reading.
   *
   * @param freshMs the greatest age of a cached snapshot; ten times the reading's duration, if longer; 0 always reads
   * @throws ProvisioningError `records-unavailable`
   */
  read(freshMs: number): Promise<DeviceSnapshot>;
}

/** Covers the difference between the writers' clocks, and the duration of a write. */
const overlapMs = 120_000;
/** An incremental reading misses removed rows, and rows changed by hand. A full reading after this time finds both. */
const rereadAllAfterMs = 900_000;

/** The first reading takes all records. The next readings take only the records written since the previous reading. */
export function openDeviceSnapshots({ records, clock }: { records: Records; clock: Clock }): DeviceSnapshots {
  let known = new Map<string, Summary>();
  let allReadAt = Number.NEGATIVE_INFINITY;
  let last: { asOf: EpochMs; tookMs: number } | undefined;
  let reading: Promise<DeviceSnapshot> | undefined;

  async function readNow(): Promise<DeviceSnapshot> {
    const asOf = clock.now();
    if (!last || asOf - allReadAt > rereadAllAfterMs) {
      const all = new Map<string, Summary>();
      for await (const summary of records.summaries()) all.set(summary.uuid, summary);
      known = all;
      allReadAt = asOf;
    } else {
      for await (const summary of records.summaries({ changedSince: last.asOf - overlapMs }))
        known.set(summary.uuid, summary);
    }
    last = { asOf, tookMs: clock.now() - asOf };
    return { records: known, asOf };
  }

  return {
    async read(freshMs) {
      if (last && freshMs > 0 && clock.now() - last.asOf < Math.max(freshMs, 10 * last.tookMs))
        return { records: known, asOf: last.asOf };
      reading ??= readNow().finally(() => {
        reading = undefined;
      });
      return reading;
    },
  };
}
