import pLimit from 'p-limit';
import type { ErasableTable, Row } from '../../edges/table.js';
import { ProvisioningError } from '../../ProvisioningError.js';
import type { Item, StoredAction } from './StoredAction.js';

/** The bulk actions of ops, each with its set. All throw `records-unavailable`. */
export interface Actions {
  /** Writes the set first: an action that can be found is whole. */
  create(action: StoredAction, items: readonly Item[]): Promise<void>;
  read(id: string): Promise<Row<StoredAction> | null>;
  /**
   * Read, change, write, and again on a conflict.
   *
   * @param change gets a copy; returns null to write nothing
   * @returns what was written, or null
   */
  amend(id: string, change: (action: StoredAction) => StoredAction | null): Promise<StoredAction | null>;
  /** The part of the set from one place to before another. */
  items(id: string, from: number, to: number): Promise<Item[]>;
  list(): Promise<StoredAction[]>;
  /** Removes an action and its set. */
  remove(action: StoredAction): Promise<void>;
}

/** A text in a row may have 32,768 characters; an item has up to 160. */
const itemsInARow = 180;
const writesAtATime = 20;
const mostConflicts = 20;

const keyOf = (id: string) => ({ partition: 'actions', row: id });
const itemsKey = (id: string, row: number) => ({
  partition: `items-${id}`,
  row: String(row).padStart(6, '0'),
});

export function openActions(table: ErasableTable<unknown>): Actions {
  const actions = table as ErasableTable<StoredAction>;
  const sets = table as ErasableTable<Item[]>;
  const rowsOf = ({ planned }: StoredAction) => Math.ceil(planned / itemsInARow);
  const limit = pLimit(writesAtATime);

  return {
    async create(action, items) {
      const rows = Array.from({ length: rowsOf(action) }, (_, row) => row);
      await limit.map(rows, (row) =>
        sets.put(
          itemsKey(action.id, row),
          items.slice(row * itemsInARow, (row + 1) * itemsInARow) as Item[],
          null,
        ),
      );
      await actions.put(keyOf(action.id), action, null);
    },
    read: (id) => actions.get(keyOf(id)),
    async amend(id, change) {
      for (let tries = 0; tries < mostConflicts; tries += 1) {
        const found = await actions.get(keyOf(id));
        const changed = found && change(structuredClone(found.value));
        if (!found || !changed) return null;
        if (await actions.put(keyOf(id), changed, found.etag)) return changed;
      }
      throw new ProvisioningError('records-unavailable', 'The action is being changed too often.', {
        retry: 'later',
      });
    },
    async items(id, from, to) {
      const found: Item[] = [];
      for (let row = Math.floor(from / itemsInARow); row * itemsInARow < to; row += 1) {
        const stored = (await sets.get(itemsKey(id, row)))?.value ?? [];
        const first = row * itemsInARow;
        found.push(...stored.slice(Math.max(0, from - first), Math.max(0, to - first)));
      }
      return found;
    },
    async list() {
      const found: StoredAction[] = [];
      for await (const action of actions.list("PartitionKey eq 'actions'")) found.push(action);
      return found;
    },
    async remove(action) {
      // The action first: one that can be found is whole.
      await actions.remove(keyOf(action.id));
      for (let row = 0; row < rowsOf(action); row += 1) await sets.remove(itemsKey(action.id, row));
    },
  };
}
