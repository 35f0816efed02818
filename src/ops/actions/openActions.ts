import { randomUUID } from 'node:crypto';
import pLimit from 'p-limit';
import { z } from 'zod';
import type { ErasableTable, Row } from '../../edges/table.js';
import { ProvisioningError } from '../../ProvisioningError.js';
import { cutSet, mostInARow, type SetRow } from './cutSet.js';
import type { Item, StoredAction } from './StoredAction.js';

/** The bulk actions of ops, each with its set. All throw `records-unavailable`. */
export interface Actions {
  /** Writes the set first: an action that can be found is whole. */
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
  list(): Promise<StoredAction[]>;
  /** Removes an action and its set. */
  remove(action: StoredAction): Promise<void>;
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
  const read = async (id: string) => (z.uuid().safeParse(id).success ? actions.get(keyOf(id)) : null);

  /** @returns false on a conflict; true also if an error, or a repeat by the tables client, hid that the write succeeded */
  async function write(action: StoredAction, etag: string | null): Promise<boolean> {
    const stamp = randomUUID();
    const isOurs = async () => (await read(action.id))?.value.stamp === stamp;
    try {
      if (await actions.put(keyOf(action.id), { ...action, stamp }, etag)) return true;
    } catch (error) {
      if (await isOurs()) return true;
      throw error;
    }
    return isOurs();
  }

  return {
    async create(action, items) {
      await limit.map(cutSet(items), (row) =>
        sets.put({ partition: partitionOf(action.id), row: rowOf(row) }, row, null),
      );
      await write(action, null);
    },
    read,
    async amend(id, change) {
      for (let tries = 0; tries < mostConflicts; tries += 1) {
        const found = await read(id);
        const changed = found && change(structuredClone(found.value));
        if (!found || !changed) return null;
        if (await write(changed, found.etag)) return changed;
      }
      throw new ProvisioningError('records-unavailable', 'The action is being changed too often.', {
        retry: 'later',
      });
    },
    async items(id, from, to) {
      const found: Item[] = [];
      const filter = `PartitionKey eq '${partitionOf(id)}' and RowKey ge '${textOf(from)}' and RowKey lt '${textOf(to + mostInARow)}'`;
      for await (const row of sets.list(filter))
        found.push(...row.items.slice(Math.max(0, from - row.from), Math.max(0, to - row.from)));
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
      const partition = partitionOf(action.id);
      const rows: string[] = [];
      for await (const row of sets.list(`PartitionKey eq '${partition}'`)) rows.push(rowOf(row));
      await limit.map(rows, (row) => sets.remove({ partition, row }));
    },
  };
}
