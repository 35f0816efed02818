import { ProvisioningError } from '../shared/errors.js';
import type { Columns, Key, Table } from './table.js';

/** A value and its version, from one reading. */
export interface Reading<T> {
  value: T;
  /** Null if there is no row yet. */
  etag: string | null;
}

/** The parts of an update: how to read, to change and to write. */
export interface OptimisticUpdate<T, C> {
  read(): Promise<Reading<T>>;
  /** Gets a copy of the value. Returns the change to write, or null to write nothing. Runs again after each conflict. */
  change(value: T): C | null;
  /** @returns false on a conflict */
  write(changed: C, basis: Reading<T>): Promise<boolean>;
  /** More conflicts than this are an error. */
  mostConflicts: number;
  /** Waits before the next try, if given. `conflicts` counts from 1. */
  pause?(conflicts: number): Promise<void>;
  /** The name of the row in the error message, for example "The record". */
  name: string;
}

/**
 * Reads a row, changes a copy and writes the copy on the ETag of the reading. A conflict starts over with a new reading.
 *
 * @returns the written change, or null if nothing was written
 * @throws ProvisioningError `records-unavailable`, also after too many conflicts
 */
export async function optimisticUpdate<T, C>(update: OptimisticUpdate<T, C>): Promise<C | null> {
  for (let conflicts = 0; conflicts < update.mostConflicts; conflicts += 1) {
    if (conflicts > 0) await update.pause?.(conflicts);
    const basis = await update.read();
    const changed = update.change(structuredClone(basis.value));
    if (changed === null) return null;
    if (await update.write(changed, basis)) return changed;
  }
  throw new ProvisioningError('records-unavailable', `${update.name} is being changed too often.`);
}

/** A row by which a writer recognises its own write: every write stores a new random stamp. */
export interface Stamped {
  readonly stamp?: string;
}

/**
 * Writes a row on an ETag. After a conflict or an error, the stored stamp shows whether the write succeeded. The tables client repeats
 * requests by itself, so that a write can meet its own result as a conflict.
 *
 * @param value the row, with a stamp that no earlier write had
 * @param etag null if there must be no row yet
 * @returns false on a conflict with another writer
 * @throws ProvisioningError `records-unavailable`; if the row is unchanged, the write may still arrive later
 */
export async function putStamped<T extends Stamped>(
  table: Table<T>,
  key: Key,
  value: T & { readonly stamp: string },
  etag: string | null,
  columns?: Columns,
): Promise<boolean> {
  const isOurs = async () => (await table.get(key))?.value.stamp === value.stamp;
  try {
    if (await table.put(key, value, etag, columns)) return true;
  } catch (error) {
    if (await isOurs()) return true;
    throw error;
  }
  return isOurs();
}
