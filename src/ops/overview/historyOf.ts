import { iso } from '../../iso.js';
import type { Sample } from '../Overview.js';
import type { StoredSample } from './openSamples.js';

const minuteMs = 60_000;

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
