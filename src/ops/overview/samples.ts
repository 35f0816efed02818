import { noTotals, type Status, type Totals } from '../../health/status.js';
import { type EpochMs, iso } from '../../shared/time.js';
import type { ErasableTable } from '../../storage/table.js';
import { type DepthsDependencies, readDepths } from './depths.js';
import type { Depths, Sample } from './schema.js';

/** The state of the queue and the totals of the workers at the start of a minute. */
export interface StoredSample {
  /** A whole minute. */
  at: EpochMs;
  depths: Depths;
  /** Totals of all workers since the first deployment. The work between two samples is the difference of the totals. */
  totals: Totals;
}

/** Stores the samples of the last hour. All methods throw ProvisioningError `records-unavailable`. */
export interface Samples {
  add(sample: StoredSample): Promise<void>;
  /** @returns the samples from this time on, the oldest first */
  since(at: EpochMs): Promise<StoredSample[]>;
  /** Removes the samples before this time. */
  forget(before: EpochMs): Promise<void>;
}

const partition = 'samples';
const rowOf = (at: EpochMs) => new Date(at).toISOString();

/** Opens the samples. */
export function openSamples(table: ErasableTable<StoredSample>): Samples {
  return {
    async add(sample) {
      // If two timers write the same minute, the first sample stands.
      await table.put({ partition, row: rowOf(sample.at) }, sample, null);
    },
    async since(at) {
      const samples: StoredSample[] = [];
      for await (const sample of table.list(`PartitionKey eq '${partition}' and RowKey ge '${rowOf(at)}'`))
        samples.push(sample);
      return samples;
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
/** The overview shows the last hour. */
const keptMs = 70 * minuteMs;

/**
 * Stores the sample of this minute for the charts of the last hour, and removes old samples. A timer calls this function.
 *
 * @throws ProvisioningError `records-unavailable`
 */
export async function takeSample(
  deps: DepthsDependencies & { samples: Samples; status: Status },
): Promise<void> {
  const { samples, status, clock } = deps;
  const at = Math.floor(clock.now() / minuteMs) * minuteMs;
  const [{ active, scheduled, deadLettered }, row] = await Promise.all([readDepths(deps), status.read()]);
  const totals = row?.totals ?? noTotals;
  await samples.add({ at, depths: { active, scheduled, deadLettered }, totals });
  await samples.forget(at - keptMs);
}

/**
 * The work between each two samples: registry operations, provisioned devices and failures, each a minute.
 *
 * @param samples the oldest first
 * @returns one sample for each stored sample except the first, whose previous totals are unknown
 */
export function historyFromSamples(samples: readonly StoredSample[]): Sample[] {
  return samples.slice(1).map((sample, index) => {
    const before = samples[index]!;
    // If a sample is missing, the difference is spread over the minutes.
    const minutes = Math.max(1, (sample.at - before.at) / minuteMs);
    // If the row of the totals was lost, the totals start again at zero, and the difference is negative.
    const between = (later: number, earlier: number) => Math.max(0, Math.round((later - earlier) / minutes));
    return {
      at: iso(sample.at),
      ...sample.depths,
      operations: between(sample.totals.operations, before.totals.operations),
      provisioned: between(sample.totals.provisioned, before.totals.provisioned),
      failed: between(sample.totals.failed, before.totals.failed),
    };
  });
}
