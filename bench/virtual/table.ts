import type { EpochMs } from '../../src/shared/time.js';
import type { NoteDate } from '../../src/storage/serverClock.js';
import type { ErasableTable, Key, ScannedTable } from '../../src/storage/table.js';
import type { VirtualTime } from './time.js';

/** The rows of a table, and the number of its requests. All processes share them. */
export interface VirtualRows {
  readonly rows: Map<string, { json: string; etag: string }>;
  requests: number;
  /** Writes that met a newer version of the row. */
  conflicts: number;
}

/** Opens the rows of a table. */
export const openRows = (): VirtualRows => ({ rows: new Map(), requests: 0, conflicts: 0 });

const idOf = ({ partition, row }: Key) => `${partition}/${row}`;

/**
 * One process's connection to a table. A request takes effect in the middle of its time.
 *
 * @param latencyMs returns the time of the next request, ms; 0 for a table whose time does not matter
 * @param noteDate gets the time of the service with each answer
 * @param local returns the time of the process's own clock
 */
export function openVirtualTable<T>(
  time: VirtualTime,
  stored: VirtualRows,
  latencyMs: () => number,
  noteDate: NoteDate = () => {},
  local: () => EpochMs = time.now,
): ScannedTable<T> & ErasableTable<T> {
  async function request<R>(run: () => R): Promise<R> {
    stored.requests += 1;
    const halfMs = latencyMs() / 2;
    const sentAt = local();
    if (halfMs > 0) await time.until(time.now() + halfMs);
    const result = run();
    const date = Math.floor(time.now() / 1_000) * 1_000;
    if (halfMs > 0) await time.until(time.now() + halfMs);
    noteDate(date, sentAt, local());
    return result;
  }
  let etags = 0;
  return {
    get: (key) =>
      request(() => {
        const row = stored.rows.get(idOf(key));
        return row ? { value: JSON.parse(row.json) as T, etag: row.etag } : null;
      }),
    put(key, value, etag) {
      const json = JSON.stringify(value);
      return request(() => {
        const id = idOf(key);
        if ((stored.rows.get(id)?.etag ?? null) !== etag) {
          stored.conflicts += 1;
          return false;
        }
        etags += 1;
        stored.rows.set(id, { json, etag: `${etags}.${time.now()}.${Math.random()}` });
        return true;
      });
    },
    remove: (key, etag) =>
      request(() => {
        const id = idOf(key);
        const row = stored.rows.get(id);
        if (row && etag !== undefined && row.etag !== etag) return false;
        stored.rows.delete(id);
        return true;
      }),
    async *list() {},
    async *rows() {},
    async *column() {},
  };
}
