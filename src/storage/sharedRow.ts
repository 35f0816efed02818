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

/** Opens a row. Each process keeps the last reading for `freshMs`. */
export function openSharedRow<T>({ table, key, clock, initial, freshMs }: SharedRowOptions<T>): SharedRow<T> {
  let last: { reading: Reading<T>; at: EpochMs } | undefined;
  return {
    async read() {
      if (!last || clock.now() - last.at >= freshMs) {
        const reading = (await table.get(key)) ?? { value: initial, etag: null };
        last = { reading, at: clock.now() };
      }
      return last.reading;
    },
    async write(value, { etag }) {
      last = undefined;
      return table.put(key, value, etag);
    },
  };
}
