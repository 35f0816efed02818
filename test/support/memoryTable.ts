import type { Columns, Key, ScannedTable } from '../../src/storage/table.js';

/** A table in memory, with ETags. Filters that compare columns with texts or booleans are obeyed. */
export function memoryTable<T>(): ScannedTable<T> & { fails: boolean; writes: number; reads: number } {
  const rows = new Map<string, { json: string; etag: string; columns: Columns }>();
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
    async put(key: Key, value: T, etag: string | null, columns: Columns = {}) {
      if (table.fails) throw new Error('the table cannot be reached');
      if ((rows.get(idOf(key))?.etag ?? null) !== etag) return false;
      table.writes += 1;
      rows.set(idOf(key), {
        json: JSON.stringify(value),
        etag: String(table.writes),
        columns: { ...columns, PartitionKey: key.partition },
      });
      return true;
    },
    async *list(filter?: string) {
      for (const { json, columns } of inOrder(rows))
        if (matches(columns, filter)) yield JSON.parse(json) as T;
    },
    async *column(name: string, filter?: string) {
      for (const { columns } of inOrder(rows)) if (matches(columns, filter)) yield String(columns[name]);
    },
  };
  return table;
}

/** By partition and row, as Azure Tables lists them. */
function inOrder<R>(rows: Map<string, R>): R[] {
  return [...rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
}

function matches(columns: Columns, filter = ''): boolean {
  if (filter === '') return true;
  return filter.split(' and ').every((condition) => {
    const [, name, operator, text] = /^(\w+) (eq|lt|ge) (.*)$/.exec(condition) ?? [];
    if (!name || text === undefined)
      throw new Error(`a filter that the memory table does not know: ${filter}`);
    if (/^\d+L$/.test(text)) {
      const [value, wanted] = [Number(columns[name]), Number(text.slice(0, -1))];
      return operator === 'lt' ? value < wanted : operator === 'ge' ? value >= wanted : value === wanted;
    }
    const value = String(columns[name]);
    const wanted = text.replace(/^'|'$/g, '').replaceAll("''", "'");
    return operator === 'lt' ? value < wanted : operator === 'ge' ? value >= wanted : value === wanted;
  });
}
