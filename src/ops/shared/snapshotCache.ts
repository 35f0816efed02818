import type { Clock, EpochMs } from '../../shared/time.js';

/** The last reading of a list that is slow to read. */
export interface SnapshotCache<S> {
  /**
   * Reads the snapshot. Concurrent callers share one reading.
   *
   * @param freshMs the greatest age of a cached snapshot; ten times the reading's duration, if longer; 0 always reads
   * @throws the error of the reading
   */
  read(freshMs: number): Promise<S>;
}

/**
 * Opens a cache for one list. The last snapshot stays in memory.
 *
 * @param readNow reads the list; `asOf` is the time at which the reading began
 */
export function openSnapshotCache<S extends { asOf: EpochMs }>(
  clock: Clock,
  readNow: () => Promise<S>,
): SnapshotCache<S> {
  let last: { snapshot: S; tookMs: number } | undefined;
  let reading: Promise<S> | undefined;

  async function readAndKeep(): Promise<S> {
    const snapshot = await readNow();
    last = { snapshot, tookMs: clock.now() - snapshot.asOf };
    return snapshot;
  }

  return {
    async read(freshMs) {
      if (last && freshMs > 0) {
        const { snapshot, tookMs } = last;
        if (clock.now() - snapshot.asOf < Math.max(freshMs, 10 * tookMs)) return snapshot;
      }
      reading ??= readAndKeep().finally(() => {
        reading = undefined;
      });
      return reading;
    },
  };
}
