import { randomUUID } from 'node:crypto';
import pLimit from 'p-limit';
import { z } from 'zod';
import { ProvisioningError } from '../../shared/errors.js';
import { optimisticUpdate, putStamped } from '../../storage/optimisticUpdate.js';
import type { ErasableTable, Row } from '../../storage/table.js';
import type { Item, StoredAction } from './action.js';

/**
 * Stores bulk actions and their sets. The action exists as long as any row of the set exists. Therefore the clean-up finds the rows left
 * by a dead process. All methods throw ProvisioningError `records-unavailable`.
 */
export interface Actions {
  /** Writes the action and the set. Readers see the action only after the whole set is written. */
  create(action: StoredAction, items: readonly Item[]): Promise<void>;
  /** @param id any text; null is returned for an invalid id */
  read(id: string): Promise<Row<StoredAction> | null>;
  /**
   * Reads, changes and writes an action. After a conflict the action is read again.
   *
   * @param change gets a copy; returns null to write nothing
   * @returns the written action, or null if nothing was written
   */
  amend(id: string, change: (action: StoredAction) => StoredAction | null): Promise<StoredAction | null>;
  /** The items with an index from `from` to below `to`. */
  items(id: string, from: number, to: number): Promise<Item[]>;
  /** @param unfinished true: only the actions with an incomplete set; default: only the actions with a complete set */
  list(unfinished?: boolean): Promise<StoredAction[]>;
  /** Removes an action and its set. */
  remove(id: string): Promise<void>;
  /** Removes the set of an action, and keeps the action. */
  removeSet(id: string): Promise<void>;
}

const writesAtATime = 20;
const mostConflicts = 20;

const keyOf = (id: string) => ({ partition: 'actions', row: id });
const partitionOf = (id: string) => `items-${id}`;
/** The text sorts like the number. */
const textOf = (index: number) => String(index).padStart(9, '0');
/** The key is the index of the last item. Therefore the first row with a key at or above an index contains the index. */
const rowOf = ({ from, items }: SetRow) => textOf(from + items.length - 1);

export function openActions(table: ErasableTable<unknown>): Actions {
  const actions = table as ErasableTable<StoredAction>;
  const sets = table as ErasableTable<SetRow>;
  const limit = pLimit(writesAtATime);

  // Some texts are invalid as the key of a row.
  const find = async (id: string) => (z.uuid().safeParse(id).success ? actions.get(keyOf(id)) : null);

  async function read(id: string): Promise<Row<StoredAction> | null> {
    const found = await find(id);
    return found?.value.unfinished ? null : found;
  }

  const write = (action: StoredAction, etag: string | null) =>
    putStamped(actions, keyOf(action.id), { ...action, stamp: randomUUID() }, etag);

  function amend(
    id: string,
    change: (action: StoredAction) => StoredAction | null,
    get = read,
  ): Promise<StoredAction | null> {
    return optimisticUpdate({
      name: 'The action',
      mostConflicts,
      read: async () => (await get(id)) ?? { value: null, etag: null },
      change: (action) => action && change(action),
      write: (changed, { etag }) => write(changed, etag),
    });
  }

  async function removeRows(id: string): Promise<void> {
    const partition = partitionOf(id);
    const rows: string[] = [];
    for await (const row of sets.list(`PartitionKey eq '${partition}'`)) rows.push(rowOf(row));
    await limit.map(rows, (row) => sets.remove({ partition, row }));
  }

  return {
    async create(action, items) {
      await write({ ...action, unfinished: true }, null);
      await limit.map(chunkItems(items), (row) =>
        sets.put({ partition: partitionOf(action.id), row: rowOf(row) }, row, null),
      );
      if (await amend(action.id, ({ unfinished: _, ...whole }) => whole, find)) return;
      throw new ProvisioningError('records-unavailable', 'The plan took too long to be written.');
    },
    read,
    amend: (id, change) => amend(id, change),
    async items(id, from, to) {
      const items: Item[] = [];
      const filter = `PartitionKey eq '${partitionOf(id)}' and RowKey ge '${textOf(from)}' and RowKey lt '${textOf(to + maxItemsPerRow)}'`;
      for await (const row of sets.list(filter))
        items.push(...row.items.slice(Math.max(0, from - row.from), Math.max(0, to - row.from)));
      return items;
    },
    async list(unfinished = false) {
      const listed: StoredAction[] = [];
      for await (const action of actions.list("PartitionKey eq 'actions'"))
        if ((action.unfinished ?? false) === unfinished) listed.push(action);
      return listed;
    },
    async remove(id) {
      await removeRows(id);
      await actions.remove(keyOf(id));
    },
    async removeSet(id) {
      await removeRows(id);
      await amend(id, (action) => ({ ...action, setRemoved: true }));
    },
  };
}

/** A part of an action's set, at most as large as a row of a table may be. */
export interface SetRow {
  /** Index in the set of the first item. */
  from: number;
  items: Item[];
}

/** A text in a row may have 32,768 characters (64 KiB of UTF-16). An item has from 100 to 2,000 characters, depending on the names. */
const maxCharactersPerRow = 30_000;
/** Bounds the number of rows to read for an index of the set. */
export const maxItemsPerRow = 180;

/** Cuts a set into rows, in order. */
export function chunkItems(items: readonly Item[]): SetRow[] {
  const rows: SetRow[] = [];
  let room = 0;
  items.forEach((item, index) => {
    const length = JSON.stringify(item).length + 1;
    let row = rows.at(-1);
    if (!row || row.items.length === maxItemsPerRow || length > room) {
      row = { from: index, items: [] };
      rows.push(row);
      room = maxCharactersPerRow;
    }
    row.items.push(item);
    room -= length;
  });
  return rows;
}
