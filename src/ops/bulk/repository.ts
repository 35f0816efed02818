import { randomUUID } from 'node:crypto';
import pLimit from 'p-limit';
import { z } from 'zod';
import { ProvisioningError } from '../../shared/errors.js';
import { optimisticUpdate, putStamped } from '../../storage/optimisticUpdate.js';
import type { ErasableTable, Row } from '../../storage/table.js';
import type { Item, StoredAction } from './action.js';

/**
 * The bulk actions of ops, each with its set. As long as there is anything of a set there is its action, finished or not, so that
 * whatever a process leaves that dies is found again. All throw `records-unavailable`.
 */
export interface Actions {
  /** An action that can be read is whole. */
  create(action: StoredAction, items: readonly Item[]): Promise<void>;
  /** @param id any text: what is no id has no action */
  read(id: string): Promise<Row<StoredAction> | null>;
  /**
   * Read, change, write, and again on a conflict. One's own write is known, as with the records.
   *
   * @param change gets a copy; returns null to write nothing
   * @returns what was written, or null
   */
  amend(id: string, change: (action: StoredAction) => StoredAction | null): Promise<StoredAction | null>;
  /** The part of the set from one place to before another. */
  items(id: string, from: number, to: number): Promise<Item[]>;
  /** @param unfinished those instead whose set is still being written, or never will be */
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
/** Sorts as the number does. */
const textOf = (place: number) => String(place).padStart(9, '0');
/** By its last place: the row that holds a place is the first at or behind it. */
const rowOf = ({ from, items }: SetRow) => textOf(from + items.length - 1);

export function openActions(table: ErasableTable<unknown>): Actions {
  const actions = table as ErasableTable<StoredAction>;
  const sets = table as ErasableTable<SetRow>;
  const limit = pLimit(writesAtATime);

  // Not every text can be a row's key.
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
      const found: Item[] = [];
      const filter = `PartitionKey eq '${partitionOf(id)}' and RowKey ge '${textOf(from)}' and RowKey lt '${textOf(to + mostInARow)}'`;
      for await (const row of sets.list(filter))
        found.push(...row.items.slice(Math.max(0, from - row.from), Math.max(0, to - row.from)));
      return found;
    },
    async list(unfinished = false) {
      const found: StoredAction[] = [];
      for await (const action of actions.list("PartitionKey eq 'actions'"))
        if ((action.unfinished ?? false) === unfinished) found.push(action);
      return found;
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

/** A part of an action's set, as long as a row can hold. */
export interface SetRow {
  /** The place in the set of its first item. */
  from: number;
  items: Item[];
}

/** A text in a row may have 32,768 characters (64 KiB of UTF-16), and an item has from 100 to 2,000, by its names. */
const mostCharacters = 30_000;
/** Bounds how many rows have to be looked at for a place of the set. */
export const mostInARow = 180;

/** Cuts a set into rows, in its order. */
export function chunkItems(items: readonly Item[]): SetRow[] {
  const rows: SetRow[] = [];
  let room = 0;
  items.forEach((item, place) => {
    const length = JSON.stringify(item).length + 1;
    let row = rows.at(-1);
    if (!row || row.items.length === mostInARow || length > room) {
      row = { from: place, items: [] };
      rows.push(row);
      room = mostCharacters;
    }
    row.items.push(item);
    room -= length;
  });
  return rows;
}
