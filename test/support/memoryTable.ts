import type { Key, Table } from '../../src/edges/table.js';

/** A table in memory, with ETags. */
export function memoryTable<T>(): Table<T> & { fails: boolean; writes: number; reads: number } {
  const rows = new Map<string, { json: string; etag: string }>();
  const idOf = ({ partition, row }: Key) => `${partition}/${row}`;
  const table = {
    /** Every call fails from now on. */
    fails: false,
    writes: 0,
    reads: 0,
    async get(key: Key) {
      table.reads += 1;
      if (table.fails) throw new Error('the table cannot be reached');
      const row = rows.get(idOf(key));
      return row ? { value: JSON.parse(row.json) as T, etag: row.etag } : null;
    },
    async put(key: Key, value: T, etag: string | null) {
      if (table.fails) throw new Error('the table cannot be reached');
      if ((rows.get(idOf(key))?.etag ?? null) !== etag) return false;
      table.writes += 1;
      rows.set(idOf(key), { json: JSON.stringify(value), etag: String(table.writes) });
      return true;
    },
    async *list() {
      for (const { json } of rows.values()) yield JSON.parse(json) as T;
    },
  };
  return table;
}
