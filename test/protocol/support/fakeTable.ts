import { ProvisioningError } from '../../../src/shared/errors.js';
import type { Columns, Key, ScannedTable } from '../../../src/storage/table.js';
import type { Process, World } from './createWorld.js';
import { type Fate, request } from './request.js';

export interface StoredRow {
  json: string;
  etag: number;
  columns: Columns;
}

/** What stands in a table, whoever looks. */
export type Rows = Map<string, StoredRow>;

/** Told of every row that is written, before the next thing happens. */
export type OnWrite<T> = (before: T | null, after: T) => void;

/** A table of the storage account, as one process reaches it. */
export function fakeTable<T>(
  world: World,
  process: Process,
  rows: Rows,
  onWrite: OnWrite<T> = () => {},
): ScannedTable<T> {
  const idOf = ({ partition, row }: Key) => `${partition}/${row}`;
  const parse = (row: StoredRow | undefined) => (row ? (JSON.parse(row.json) as T) : null);

  function fateOfRead(): Fate {
    if (world.now < world.down.records || world.fails(0.005))
      return { kind: 'refused', error: unavailable() };
    return { kind: 'answered' };
  }

  const matching = (is: (row: StoredRow) => boolean) =>
    request(world, process, { fate: fateOfRead(), effect: () => [...rows.values()].filter(is) });

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
      const effect = () => {
        const stored = rows.get(id);
        if ((stored ? String(stored.etag) : null) !== etag) return false;
        rows.set(id, { json, etag: nextEtag(rows), columns });
        onWrite(parse(stored), JSON.parse(json) as T);
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
      // The tables client repeats a request whose answer was lost, and meets its own write.
      return luck < 0.04 ? false : done;
    },
    async *list(filter = '') {
      const [, before] = /^pending eq true and due lt (\d+)L$/.exec(filter) ?? [];
      if (before === undefined) throw new Error(`a filter that the fake does not know: ${filter}`);
      const found = await matching(
        ({ columns }) => columns.pending === true && Number(columns.due) < Number(before),
      );
      for (const row of found) yield parse(row)!;
    },
    async *column(name, filter) {
      const [, value] = /^dead eq (true|false)$/.exec(filter ?? 'dead eq true') ?? [];
      if (value === undefined) throw new Error(`a filter that the fake does not know: ${filter}`);
      const found = await matching(
        ({ columns }) => filter === undefined || columns.dead === (value === 'true'),
      );
      for (const { columns } of found) yield String(columns[name]);
    },
  };
}

/** ETags of a table never come again, not even for a row that was deleted and made anew. */
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
