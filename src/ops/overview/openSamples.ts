import type { ErasableTable } from '../../edges/table.js';
import type { Totals } from '../../status.js';
import type { Depths } from '../Overview.js';

/** What stood at a minute. */
export interface StoredSample {
  /** Unix ms, a whole minute. */
  at: number;
  depths: Depths;
  /** Of all workers, since ever: what lies between two samples is their difference. */
  totals: Totals;
}

/** The samples of the last hour. All throw `records-unavailable`. */
export interface Samples {
  add(sample: StoredSample): Promise<void>;
  /** Those from this Unix ms on, the oldest first. */
  since(at: number): Promise<StoredSample[]>;
  /** Removes those before this Unix ms. */
  forget(before: number): Promise<void>;
}

const partition = 'samples';
const rowOf = (at: number) => new Date(at).toISOString();

export function openSamples(table: ErasableTable<StoredSample>): Samples {
  return {
    async add(sample) {
      // Taken twice, by two that take turns: the first one stands.
      await table.put({ partition, row: rowOf(sample.at) }, sample, null);
    },
    async since(at) {
      const found: StoredSample[] = [];
      for await (const sample of table.list(`PartitionKey eq '${partition}' and RowKey ge '${rowOf(at)}'`))
        found.push(sample);
      return found;
    },
    async forget(before) {
      const old: StoredSample[] = [];
      for await (const sample of table.list(
        `PartitionKey eq '${partition}' and RowKey lt '${rowOf(before)}'`,
      ))
        old.push(sample);
      for (const { at } of old) await table.remove({ partition, row: rowOf(at) });
    },
  };
}
