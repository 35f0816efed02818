import { ProvisioningError } from '../../src/shared/errors.js';
import { decodeIfReadable, decodeRow, encodeRow } from '../../src/storage/format.js';
import type { Columns, ErasableTable, Key, ScannedTable } from '../../src/storage/table.js';

interface StoredRow {
  key: Key;
  json: string;
  etag: string;
  columns: Columns;
}

/** A table in memory for unit tests. */
export interface MemoryTable<T> extends ErasableTable<T>, ScannedTable<T> {
  /** While true, every call throws `records-unavailable` and changes nothing. */
  fails: boolean;
  /** How many rows were written since the table was made, or since a test set the number. */
  writes: number;
  /** How many times `get` was called. */
  reads: number;
}

/** Behaves as a table of Azure Storage does: `tableContract.ts` runs the same cases against both. */
export function memoryTable<T>(): MemoryTable<T> {
  const rows = new Map<string, StoredRow>();
  const idOf = ({ partition, row }: Key) => JSON.stringify([partition, row]);
  let etags = 0;
  const reach = () => {
    if (table.fails)
      throw new ProvisioningError('records-unavailable', 'The records cannot be reached (memory table).', {
        outcomeUnknown: true,
      });
  };
  const matching = (filter?: string) => {
    reach();
    const matches = readFilter(filter);
    return [...rows.values()].filter(matches).sort((a, b) => compareKeys(a.key, b.key));
  };
  const table: MemoryTable<T> = {
    fails: false,
    writes: 0,
    reads: 0,
    async get(key) {
      table.reads += 1;
      reach();
      const row = rows.get(idOf(key));
      return row ? { value: decodeRow<T>(row.json), etag: row.etag } : null;
    },
    async put(key, value, etag, columns = {}) {
      reach();
      refuseTooLarge(value, columns);
      if ((rows.get(idOf(key))?.etag ?? null) !== etag) return false;
      table.writes += 1;
      etags += 1;
      rows.set(idOf(key), { key, json: encodeRow(value as object), etag: String(etags), columns });
      return true;
    },
    async *list(filter) {
      for (const { json } of matching(filter)) {
        const value = decodeIfReadable<T>(json);
        if (value !== null) yield value;
      }
    },
    async *column(name, filter) {
      for (const { columns } of matching(filter)) yield String(columns[name] ?? '');
    },
    async *rows(filter) {
      for (const { json, etag } of matching(filter)) {
        const value = decodeIfReadable<T>(json);
        if (value !== null) yield { value, etag };
      }
    },
    async remove(key, etag) {
      reach();
      const row = rows.get(idOf(key));
      if (etag !== undefined && row && row.etag !== etag) return false;
      rows.delete(idOf(key));
      return true;
    },
  };
  return table;
}

/** 64 KiB of UTF-16. */
const mostCharacters = 32_768;

/** Refuses a row with a text that Azure Tables refuses. */
export function refuseTooLarge(value: unknown, columns: Columns): void {
  const texts = [JSON.stringify(value), ...Object.values(columns).map(String)];
  if (texts.some((text) => text.length > mostCharacters))
    throw new ProvisioningError('record-too-large', 'The table refuses the row (memory table).');
}

/** Azure Tables lists rows by partition, then by row, each compared character by character. */
function compareKeys(a: Key, b: Key): number {
  if (a.partition !== b.partition) return a.partition < b.partition ? -1 : 1;
  return a.row < b.row ? -1 : 1;
}

/**
 * Reads an OData filter: comparisons with `eq`, `lt` or `ge`, joined by `and`. As in Azure Tables, a comparison holds only for a
 * column of the literal's own type: `'text'`, `5L` or `true`.
 */
function readFilter(filter = ''): (row: StoredRow) => boolean {
  if (filter === '') return () => true;
  const conditions = filter.split(' and ').map((condition) => {
    const [, name = '', operator, literal = ''] =
      /^(\w+) (eq|lt|ge) ('.*'|\d+L|true|false)$/.exec(condition) ?? [];
    if (!operator) throw new Error(`the memory table does not know this filter: ${filter}`);
    const wanted = readLiteral(literal);
    return ({ key, columns }: StoredRow) => {
      const value = { ...columns, PartitionKey: key.partition, RowKey: key.row }[name];
      if (typeof value !== typeof wanted || value === undefined) return false;
      return operator === 'eq' ? value === wanted : operator === 'lt' ? value < wanted : value >= wanted;
    };
  });
  return (row) => conditions.every((holds) => holds(row));
}

function readLiteral(literal: string): string | number | boolean {
  if (literal.startsWith("'")) return literal.slice(1, -1).replaceAll("''", "'");
  if (literal.endsWith('L')) return Number(literal.slice(0, -1));
  return literal === 'true';
}
