import { ProvisioningError } from '../../../src/shared/errors.js';
import type { Columns, ErasableTable, Key, ScannedTable } from '../../../src/storage/table.js';
import { refuseTooLarge } from '../../support/memoryTable.js';
import type { Process, World } from './createWorld.js';
import { type Fate, request } from './request.js';

export interface StoredRow {
  json: string;
  /** The value in `json`, for readers that change nothing. */
  value: unknown;
  etag: number;
  columns: Columns;
  /** The version before. */
  older: StoredRow | null;
}

const rowsInAPage = 2;

/** The rows of a table. */
export type Rows = Map<string, StoredRow>;

/** Called at every write of a row, before the next event. */
export type OnWrite<T> = (before: T | null, after: T) => void;

/** A table of the storage account for one process. @param onRemove called at every removal of a row */
export function fakeTable<T>(
  world: World,
  process: Process,
  rows: Rows,
  onWrite: OnWrite<T> = () => {},
  onRemove: (before: T) => void = () => {},
): ScannedTable<T> & ErasableTable<T> {
  const idOf = ({ partition, row }: Key) => `${partition}/${row}`;
  const parse = (row: StoredRow | undefined) => (row ? (JSON.parse(row.json) as T) : null);

  function fateOfRead(): Fate {
    if (world.now < world.down.records || world.fails(0.005))
      return { kind: 'refused', error: unavailable() };
    return { kind: 'answered' };
  }

  /** Page after page in the order of the keys, with a request for each page: rows change during the scan. */
  async function* matching(filter: string | undefined): AsyncGenerator<StoredRow> {
    const is = matcherOf(filter);
    let after = '';
    while (true) {
      const page = await request(world, process, {
        fate: fateOfRead(),
        effect: () => {
          const ids = [...rows.keys()].filter((id) => id > after && is(id, rows.get(id)!)).sort();
          return ids.slice(0, rowsInAPage).map((id) => ({ id, row: rows.get(id)! }));
        },
      });
      for (const { row } of page) yield row;
      const last = page.at(-1);
      if (!last || page.length < rowsInAPage) return;
      after = last.id;
    }
  }

  return {
    get: (key) =>
      request(world, process, {
        fate: fateOfRead(),
        effect: () => {
          const row = rows.get(idOf(key));
          return row ? { value: parse(row)!, etag: String(row.etag) } : null;
        },
      }),
    async put(key, value, etag, columns = {}) {
      const id = idOf(key);
      const json = JSON.stringify(value);
      refuseTooLarge(value, columns);
      const effect = () => {
        const stored = rows.get(id);
        if ((stored ? String(stored.etag) : null) !== etag) return false;
        const written = JSON.parse(json) as T;
        rows.set(id, { json, value: written, etag: nextEtag(rows), columns, older: stored ?? null });
        onWrite((stored?.value ?? null) as T | null, written);
        return true;
      };
      if (world.now < world.down.records)
        return request(world, process, { fate: { kind: 'refused', error: unavailable() }, effect });
      const luck = world.luck();
      if (luck < 0.01 && !world.calm) {
        const fate: Fate = {
          kind: 'unknown',
          error: unavailable(),
          effectAfterMs: luck < 0.005 ? null : world.int(0, 5_000),
        };
        return request(world, process, { fate, effect });
      }
      const done = await request(world, process, { fate: { kind: 'answered' }, effect });
      if (luck < 0.03) throw unavailable();
      // The tables client repeats a request after a lost answer, and meets the client's own write.
      return luck < 0.04 ? false : done;
    },
    async *list(filter) {
      for await (const row of matching(filter)) yield parse(row)!;
    },
    async *column(name, filter) {
      for await (const { columns } of matching(filter)) yield String(columns[name]);
    },
    async *rows(filter) {
      for await (const row of matching(filter)) yield { value: parse(row)!, etag: String(row.etag) };
    },
    remove(key, etag) {
      const refused = world.now < world.down.records || world.fails(0.01);
      const fate: Fate = refused ? { kind: 'refused', error: unavailable() } : { kind: 'answered' };
      const effect = () => {
        const stored = rows.get(idOf(key));
        if (etag !== undefined && stored && String(stored.etag) !== etag) return false;
        if (stored) onRemove(stored.value as T);
        rows.delete(idOf(key));
        return true;
      };
      return request(world, process, { fate, effect });
    },
  };
}

/** The part of OData filters in use by the product. */
function matcherOf(filter = ''): (id: string, row: StoredRow) => boolean {
  const conditions = filter.split(' and ').filter((text) => text !== '');
  const tests = conditions.map((text) => {
    const [, name = '', operator = '', value = ''] = /^(\w+) (eq|lt|ge) (.+)$/.exec(text) ?? [];
    const wanted = /^\d+L$/.test(value) ? Number.parseInt(value, 10) : JSON.parse(value.replaceAll("'", '"'));
    return (id: string, { columns }: StoredRow) => {
      const [partition = '', row = ''] = id.split('/');
      const found = name === 'PartitionKey' ? partition : name === 'RowKey' ? row : columns[name];
      if (found === undefined) return false;
      if (operator === 'eq') return found === wanted;
      return operator === 'lt' ? found < wanted : found >= wanted;
    };
  });
  return (id, row) => tests.every((test) => test(id, row));
}

/**
 * An older version of a row replaces the row.
 *
 * @returns false if there is no older version
 */
export function restoreRow(rows: Rows, id: string, steps: number): boolean {
  let row = rows.get(id);
  for (let i = 0; i < steps; i += 1) row = row?.older ?? row;
  if (!row || row === rows.get(id)) return false;
  rows.set(id, { ...row, etag: nextEtag(rows) });
  return true;
}

/** A table never repeats an ETag, not even for a row after a deletion. */
const etags = new WeakMap<Rows, number>();
function nextEtag(rows: Rows): number {
  const etag = (etags.get(rows) ?? 0) + 1;
  etags.set(rows, etag);
  return etag;
}

function unavailable(): ProvisioningError {
  return new ProvisioningError('records-unavailable', 'The records cannot be reached (fake).', {
    outcomeUnknown: true,
  });
}
