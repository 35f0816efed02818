import type { Item } from './StoredAction.js';

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
export function cutSet(items: readonly Item[]): SetRow[] {
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
