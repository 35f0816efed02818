import type { Records } from '../../src/device/repository.js';
import type { State } from '../../src/device/state.js';
import { summaryState } from '../../src/device/summary.js';
import { pause, retryWithBackoff } from '../../src/shared/retry.js';
import type { Clock } from '../../src/shared/time.js';

export interface FollowOptions {
  /** Ends the following; the work goes on without it. */
  signal?: AbortSignal;
  onProgress?(report: FollowReport): void;
  /** How long between two readings at least, ms; default: 2 s. Where a reading takes long, ten times as long. */
  everyMs?: number;
}

/** What became of the devices that were asked for. */
export interface FollowReport {
  states: Record<State, number>;
  /** Of those that failed for good. */
  failures: Record<string, number>;
  /** They have no record any more. */
  unknown: number;
  /** Unix ms at which the last of what is scheduled by now is due; null if nothing is under way. */
  lastDue: number | null;
  /** False while, or if it was ended while, something was under way. */
  finished: boolean;
}

const underWay: readonly State[] = ['queued', 'working', 'retrying'];

/**
 * Follows devices until nothing is under way for any of them, by reading the summaries of all records again and again.
 *
 * @throws ProvisioningError `records-unavailable`, after some patience
 */
export async function followFleet(
  { records, clock }: { records: Records; clock: Clock },
  uuids: Iterable<string>,
  { signal, onProgress, everyMs = 2_000 }: FollowOptions = {},
): Promise<FollowReport> {
  const followed = new Set(uuids);
  let report = nothing();
  try {
    for (;;) {
      const startedAt = clock.now();
      report = await retryWithBackoff(clock, () => readOnce(records, followed, startedAt), signal);
      onProgress?.(report);
      if (report.finished) return report;
      await pause(clock, Math.max(everyMs, 10 * (clock.now() - startedAt)), signal);
    }
  } catch (error) {
    if (!signal?.aborted) throw error;
    return report;
  }
}

async function readOnce(records: Records, followed: ReadonlySet<string>, now: number): Promise<FollowReport> {
  const report = nothing();
  let found = 0;
  for await (const summary of records.summaries()) {
    if (!followed.has(summary.uuid)) continue;
    found += 1;
    const state = summaryState(summary, now);
    report.states[state] += 1;
    if (state === 'failed') {
      const code = summary.code ?? 'unexpected';
      report.failures[code] = (report.failures[code] ?? 0) + 1;
    }
    if (underWay.includes(state)) report.lastDue = Math.max(report.lastDue ?? 0, summary.job?.due ?? 0);
  }
  report.unknown = followed.size - found;
  report.finished = underWay.every((state) => report.states[state] === 0);
  return report;
}

function nothing(): FollowReport {
  const states = { queued: 0, working: 0, retrying: 0, provisioned: 0, deprovisioned: 0, failed: 0 };
  return { states, failures: {}, unknown: 0, lastDue: null, finished: false };
}
