import type { Records } from '../../device/repository.js';
import type { Summary } from '../../device/summary.js';
import type { Clock } from '../../shared/time.js';

export interface RecordSnapshot {
  /** By uuid. */
  records: ReadonlyMap<string, Summary>;
  /** Unix ms. */
  asOf: number;
}

/** The summaries of all records, in memory: about a kilobyte each. */
export interface DeviceSnapshots {
  /**
   * The records as they were read within this many ms, or ten times as long ago as the reading took. Callers at the same time
   * share one reading.
   *
   * @throws ProvisioningError `records-unavailable`
   */
  read(freshMs: number): Promise<RecordSnapshot>;
}

/** Clocks of those who write may differ by this, and a write take so long. */
const overlapMs = 120_000;
/** What was changed by hand, or removed, is seen after this. */
const anewAfterMs = 900_000;

/** The first reading takes all records; the next only those that were written since. */
export function openDeviceSnapshots({ records, clock }: { records: Records; clock: Clock }): DeviceSnapshots {
  let known = new Map<string, Summary>();
  let wholeAt = Number.NEGATIVE_INFINITY;
  let last: { asOf: number; tookMs: number } | undefined;
  let reading: Promise<RecordSnapshot> | undefined;

  async function readNow(): Promise<RecordSnapshot> {
    const asOf = clock.now();
    if (!last || asOf - wholeAt > anewAfterMs) {
      const anew = new Map<string, Summary>();
      for await (const summary of records.summaries()) anew.set(summary.uuid, summary);
      known = anew;
      wholeAt = asOf;
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
