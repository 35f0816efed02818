import type { Clock } from '../shared/time.js';
import type { Key, Table } from './table.js';

/** What a shared row holds. */
export interface Reading<T> {
  value: T;
  /** Null where there is no row yet. */
  etag: string | null;
}

/** One row that all processes share. Throws `records-unavailable`. */
export interface SharedRow<T> {
  /** The row, from memory while that reading is fresh. */
  read(): Promise<Reading<T>>;
  /**
   * Writes the row, if nobody has since the reading that it is based on.
   *
   * @returns whether it was written; either way the next read is a fresh one
   */
  write(value: T, basis: Reading<T>): Promise<boolean>;
}

export interface SharedRowOptions<T> {
  table: Table<T>;
  key: Key;
  clock: Clock;
  /** What the row is taken for while there is none. */
  initial: T;
  /** How old a reading may be, ms. */
  freshMs: number;
}

export function openSharedRow<T>({ table, key, clock, initial, freshMs }: SharedRowOptions<T>): SharedRow<T> {
  let last: { reading: Reading<T>; at: number } | undefined;
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
