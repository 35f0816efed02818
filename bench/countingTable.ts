import { setTimeout } from 'node:timers/promises';
import type { Columns, ErasableTable, Key, Row, ScannedTable } from '../src/storage/table.js';

/** The costs of some calls to tables. */
export interface TableCosts {
  requests: number;
  /** Characters of the answers and of the written rows. */
  bytes: number;
  /** Rows that the server looks at for the scans: all rows in the range of the keys, also rows that do not match the filter. */
  scanned: number;
}

interface StoredRow {
  key: Key;
  json: string;
  etag: string;
  columns: Columns;
}

const rowsInAPage = 1_000;
/** The duration of one page of a scan, as between an app and a storage account in one region. */
const pageMs = 30;

/**
 * A table in memory that counts the costs. Keys and pages are those of Azure Tables. There is no network, but each page of a scan takes its
 * time, so that scans at the same time are faster than one scan.
 */
export function countingTable<T>(costs: TableCosts): ScannedTable<T> & ErasableTable<T> {
  const partitions = new Map<string, Map<string, StoredRow>>();
  let etags = 0;
  const find = ({ partition, row }: Key) => partitions.get(partition)?.get(row);

  async function* scan(filter: string | undefined, sizeOf: (row: StoredRow) => number) {
    const { isInRange, matches } = readFilter(filter);
    let found = 0;
    costs.requests += 1;
    await setTimeout(pageMs);
    for (const partition of [...partitions.keys()].sort()) {
      if (!isInRange(partition)) continue;
      const rows = partitions.get(partition) ?? new Map<string, StoredRow>();
      for (const name of [...rows.keys()].sort()) {
        const row = rows.get(name)!;
        costs.scanned += 1;
        if (!matches(row)) continue;
        if (found > 0 && found % rowsInAPage === 0) {
          costs.requests += 1;
          await setTimeout(pageMs);
        }
        found += 1;
        costs.bytes += sizeOf(row);
        yield row;
      }
    }
  }

  const valueSize = ({ json }: StoredRow) => json.length;
  return {
    async get(key) {
      costs.requests += 1;
      const row = find(key);
      costs.bytes += row?.json.length ?? 0;
      return row ? { value: JSON.parse(row.json) as T, etag: row.etag } : null;
    },
    async put(key, value, etag, columns = {}) {
      costs.requests += 1;
      if ((find(key)?.etag ?? null) !== etag) return false;
      const rows = partitions.get(key.partition) ?? new Map<string, StoredRow>();
      partitions.set(key.partition, rows);
      etags += 1;
      const json = JSON.stringify(value);
      rows.set(key.row, { key, json, etag: String(etags), columns });
      costs.bytes += json.length + JSON.stringify(columns).length;
      return true;
    },
    async *list(filter) {
      for await (const { json } of scan(filter, valueSize)) yield JSON.parse(json) as T;
    },
    async *rows(filter): AsyncIterable<Row<T>> {
      for await (const { json, etag } of scan(filter, valueSize))
        yield { value: JSON.parse(json) as T, etag };
    },
    async *column(name, filter) {
      const textOf = ({ columns }: StoredRow) => String(columns[name] ?? '');
      for await (const row of scan(filter, (each) => textOf(each).length)) yield textOf(row);
    },
    async remove(key, etag) {
      costs.requests += 1;
      const row = find(key);
      if (etag !== undefined && row && row.etag !== etag) return false;
      partitions.get(key.partition)?.delete(key.row);
      return true;
    },
  };
}

/** Reads an OData filter. The conditions on PartitionKey are the range of the scan. */
function readFilter(filter = '') {
  const conditions = filter
    .split(' and ')
    .filter((text) => text !== '')
    .map((text) => {
      const [, name = '', operator, literal = ''] = /^(\w+) (eq|lt|ge) (.+)$/.exec(text) ?? [];
      const wanted = readLiteral(literal);
      const holds = (value: unknown) => {
        if (typeof value !== typeof wanted) return false;
        if (operator === 'eq') return value === wanted;
        return operator === 'lt' ? (value as string) < wanted : (value as string) >= wanted;
      };
      return { name, holds };
    });
  const columnOf = ({ key, columns }: StoredRow, name: string) =>
    name === 'RowKey' ? key.row : name === 'PartitionKey' ? key.partition : columns[name];
  return {
    isInRange: (partition: string) =>
      conditions.every(({ name, holds }) => name !== 'PartitionKey' || holds(partition)),
    matches: (row: StoredRow) => conditions.every(({ name, holds }) => holds(columnOf(row, name))),
  };
}

function readLiteral(literal: string): string {
  if (literal.startsWith("'")) return literal.slice(1, -1);
  // The comparison works for numbers and booleans, too.
  const value: unknown = literal.endsWith('L') ? Number(literal.slice(0, -1)) : literal === 'true';
  return value as string;
}
