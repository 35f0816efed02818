import pLimit from 'p-limit';
import type { ErasableTable } from '../../storage/table.js';
import type { Item } from './action.js';

/** Stores the items of each action's set, in rows of many items. All methods throw ProvisioningError `records-unavailable`. */
export interface ItemSets {
  write(actionId: string, items: readonly Item[]): Promise<void>;
  /** The items with an index from `from` to below `to`. */
  read(actionId: string, from: number, to: number): Promise<Item[]>;
  remove(actionId: string): Promise<void>;
}

const callsAtATime = 20;

const partitionOf = (actionId: string) => `items-${actionId}`;
/** The text sorts like the number. */
const textOf = (index: number) => String(index).padStart(9, '0');
/** The key is the index of the last item. Therefore the first row with a key at or above an index contains the index. */
const rowOf = ({ from, items }: SetRow) => textOf(from + items.length - 1);

/** Opens the sets. @param table stores one row for each chunk of a set */
export function openItemSets(table: ErasableTable<SetRow>): ItemSets {
  const limit = pLimit(callsAtATime);
  return {
    async write(actionId, items) {
      const partition = partitionOf(actionId);
      await limit.map(chunkItems(items), (row) => table.put({ partition, row: rowOf(row) }, row, null));
    },
    async read(actionId, from, to) {
      const items: Item[] = [];
      const filter = `PartitionKey eq '${partitionOf(actionId)}' and RowKey ge '${textOf(from)}' and RowKey lt '${textOf(to + maxItemsPerRow)}'`;
      for await (const row of table.list(filter))
        items.push(...row.items.slice(Math.max(0, from - row.from), Math.max(0, to - row.from)));
      return items;
    },
    async remove(actionId) {
      const partition = partitionOf(actionId);
      const rows: string[] = [];
      for await (const row of table.list(`PartitionKey eq '${partition}'`)) rows.push(rowOf(row));
      await limit.map(rows, (row) => table.remove({ partition, row }));
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
