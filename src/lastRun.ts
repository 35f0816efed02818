import type { Table } from './edges/table.js';

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
