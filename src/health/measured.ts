import type { EpochMs } from '../shared/time.js';
import { countedEvents, type Mark, measuredMs, type StatusRow, type Totals } from './status.js';

/** The counts of all workers over the last minutes. */
export interface Measured {
  /** The measured time, ms. */
  ms: number;
  counts: Totals;
}

/** A shorter time says too little about the rate. */
const leastMs = 15_000;
/** A worker reports at most ten seconds after a message. A longer silence means that nothing is done. */
const reportMs = 15_000;

/**
 * The counts between the oldest mark of the last minutes and the last report of the workers.
 *
 * @returns null if nothing was counted for minutes, or only for a few seconds
 */
export function measure(
  row: Pick<StatusRow, 'at' | 'totals' | 'marks'> | null,
  now: EpochMs,
): Measured | null {
  const base: Mark | undefined = row?.marks.find(({ at }) => at > now - measuredMs);
  if (!row || !base) return null;
  const ms = Math.max(row.at, now - reportMs) - base.at;
  if (ms < leastMs) return null;
  const entries = countedEvents.map((each) => [each, Math.max(0, row.totals[each] - base.totals[each])]);
  return { ms, counts: Object.fromEntries(entries) as Totals };
}

/** A count as a rate. @returns the events a minute, rounded */
export function perMinute(count: number, { ms }: Measured): number {
  return Math.round((count * 60_000) / ms);
}
