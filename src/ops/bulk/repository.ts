import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import { ProvisioningError } from '../../shared/errors.js';
import { optimisticUpdate, putStamped } from '../../storage/optimisticUpdate.js';
import type { ErasableTable, Row } from '../../storage/table.js';
import type { Item, StoredAction } from './action.js';
import { openItemSets, type SetRow } from './itemSets.js';

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

const mostConflicts = 20;

const keyOf = (id: string) => ({ partition: 'actions', row: id });

/** Opens the bulk actions. @param table stores the actions and the rows of their sets */
export function openActions(table: ErasableTable<unknown>): Actions {
  const actions = table as ErasableTable<StoredAction>;
  const sets = openItemSets(table as ErasableTable<SetRow>);

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

  return {
    async create(action, items) {
      await write({ ...action, unfinished: true }, null);
      await sets.write(action.id, items);
      if (await amend(action.id, ({ unfinished: _, ...whole }) => whole, find)) return;
      throw new ProvisioningError('records-unavailable', 'The plan took too long to be written.');
    },
    read,
    amend: (id, change) => amend(id, change),
    items: sets.read,
    async list(unfinished = false) {
      const listed: StoredAction[] = [];
      for await (const action of actions.list("PartitionKey eq 'actions'"))
        if ((action.unfinished ?? false) === unfinished) listed.push(action);
      return listed;
    },
    async remove(id) {
      await sets.remove(id);
      await actions.remove(keyOf(id));
    },
    async removeSet(id) {
      await sets.remove(id);
      await amend(id, (action) => ({ ...action, setRemoved: true }));
    },
  };
}
