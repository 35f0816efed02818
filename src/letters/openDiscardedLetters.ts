import type { ErasableTable } from '../edges/table.js';

/**
 * Letters without a record that ops have discarded, by their sequence numbers, until the overdue timer has removed them. All
 * throw `records-unavailable`.
 */
export interface DiscardedLetters {
  add(letter: Discarded): Promise<void>;
  list(): Promise<string[]>;
  forget(sequenceNumber: string): Promise<void>;
}

export interface Discarded {
  sequenceNumber: string;
  by: string;
  reason: string;
  /** Unix ms. */
  at: number;
}

const keyOf = (sequenceNumber: string) => ({ partition: 'discarded', row: sequenceNumber });

export function openDiscardedLetters(table: ErasableTable<Discarded>): DiscardedLetters {
  return {
    async add(letter) {
      // That it is there already is fine.
      await table.put(keyOf(letter.sequenceNumber), letter, null);
    },
    async list() {
      const found: string[] = [];
      for await (const { sequenceNumber } of table.list("PartitionKey eq 'discarded'"))
        found.push(sequenceNumber);
      return found;
    },
    forget: (sequenceNumber) => table.remove(keyOf(sequenceNumber)),
  };
}
