import type { Clock } from '../shared/time.js';
import type { Table } from './table.js';

/** When a timer last ran to its end. Both throw `records-unavailable`. */
export interface LastRun {
  /** @returns Unix ms; 0 if it never has */
  read(): Promise<number>;
  /** @param at Unix ms at which that run began */
  write(at: number): Promise<void>;
}

/** @param row in the table of the system */
export function openLastRun(table: Table<{ at: number }>, row: string): LastRun {
  const key = { partition: 'system', row };
  return {
    read: async () => (await table.get(key))?.value.at ?? 0,
    async write(at) {
      const found = await table.get(key);
      // On a conflict another run has written.
      await table.put(key, { at }, found?.etag ?? null);
    },
  };
}

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
