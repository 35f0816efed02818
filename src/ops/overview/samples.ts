import type { Totals } from '../../health/status.js';
import { iso } from '../../shared/time.js';
import type { ErasableTable } from '../../storage/table.js';
import type { OpsDependencies } from '../dependencies.js';
import { readDepths } from './depths.js';
import type { Depths, Sample } from './schema.js';

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

const minuteMs = 60_000;
/** What is shown is the last hour. */
const keptMs = 70 * minuteMs;

/**
 * Writes down what stands at this minute, for the last hour's charts, and removes what is older. A timer calls it.
 *
 * @throws ProvisioningError `records-unavailable`
 */
export async function takeSample(
  deps: Pick<OpsDependencies, 'management' | 'recordBook' | 'clock' | 'samples' | 'status'>,
): Promise<void> {
  const { samples, status, clock } = deps;
  const at = Math.floor(clock.now() / minuteMs) * minuteMs;
  const [{ active, scheduled, deadLettered }, row] = await Promise.all([readDepths(deps), status.read()]);
  const totals = row?.totals ?? { operations: 0, provisioned: 0, failed: 0 };
  await samples.add({ at, depths: { active, scheduled, deadLettered }, totals });
  await samples.forget(at - keptMs);
}

/** What was done between each sample and the one before, in a minute. @param samples the oldest first; the first is only what the second is compared with */
export function historyOf(samples: readonly StoredSample[]): Sample[] {
  return samples.slice(1).map((sample, index) => {
    const before = samples[index]!;
    // Where a sample is missing, the difference is spread over the minutes.
    const minutes = Math.max(1, (sample.at - before.at) / minuteMs);
    // The row that is counted in may have been lost, and begun anew.
    const between = (now: number, then: number) => Math.max(0, Math.round((now - then) / minutes));
    return {
      at: iso(sample.at),
      ...sample.depths,
      operations: between(sample.totals.operations, before.totals.operations),
      provisioned: between(sample.totals.provisioned, before.totals.provisioned),
      failed: between(sample.totals.failed, before.totals.failed),
    };
  });
}
