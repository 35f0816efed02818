import type { Clock } from '../clock.js';
import type { Table } from '../edges/table.js';

export interface PositionRow {
  after: string;
  /** Unix ms. */
  at: number;
}

/** How far a timer that does its work in parts has come. Both throw `records-unavailable`. */
export interface Position {
  /** The last uuid that was done; '' to begin at the beginning. */
  read(): Promise<string>;
  write(after: string): Promise<void>;
}

/** @param row in the table of the system */
export function openPosition(table: Table<PositionRow>, row: string, clock: Clock): Position {
  const key = { partition: 'system', row };
  return {
    read: async () => (await table.get(key))?.value.after ?? '',
    async write(after) {
      const found = await table.get(key);
      // On a conflict another run has written: to do a part twice is harmless.
      await table.put(key, { after, at: clock.now() }, found?.etag ?? null);
    },
  };
}
