import type { Clock, EpochMs } from '../shared/time.js';
import type { Reading } from './optimisticUpdate.js';
import type { Key, Table } from './table.js';

/** One row that all processes share. Both methods throw `records-unavailable`. */
export interface SharedRow<T> {
  /** The row, or the last reading while that reading is fresh. */
  read(): Promise<Reading<T>>;
  /**
   * Writes the row, if the row is unchanged since the reading `basis`. The next `read` is a fresh one in any case.
   *
   * @returns false on a conflict
   */
  write(value: T, basis: Reading<T>): Promise<boolean>;
}

/** Where the row is stored, and how long a reading may be used. */
export interface SharedRowOptions<T> {
  table: Table<T>;
  key: Key;
  clock: Clock;
  /** The value while there is no row. */
  initial: T;
  /** The greatest age of a reading, ms. */
  freshMs: number;
}

/**
 * Opens a row. Each process keeps the last reading for `freshMs`, and callers at the same time share one request. A reading that was under
 * way during a write may be older than the write, and is not kept.
 */
export function openSharedRow<T>({ table, key, clock, initial, freshMs }: SharedRowOptions<T>): SharedRow<T> {
  let last: { reading: Reading<T>; at: EpochMs } | undefined;
  let underWay: Promise<Reading<T>> | undefined;

  function forget(): void {
    last = undefined;
    underWay = undefined;
  }

  function request(): Promise<Reading<T>> {
    const request = table.get(key).then((row): Reading<T> => {
      const reading = row ?? { value: initial, etag: null };
      if (underWay === request) last = { reading, at: clock.now() };
      return reading;
    });
    underWay = request;
    const end = () => {
      if (underWay === request) underWay = undefined;
    };
    request.then(end, end);
    return request;
  }

  return {
    async read() {
      if (last && clock.now() - last.at < freshMs) return last.reading;
      return underWay ?? request();
    },
    async write(value, { etag }) {
      forget();
      try {
        return await table.put(key, value, etag);
      } finally {
        forget();
      }
    },
  };
}
