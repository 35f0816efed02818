import type { Records } from '../../src/device/repository.js';
import type { State } from '../../src/device/state.js';
import { summaryState } from '../../src/device/summary.js';
import { pause, retryWithBackoff } from '../../src/shared/retry.js';
import { state as stateSchema } from '../../src/shared/schemas.js';
import type { Clock, EpochMs } from '../../src/shared/time.js';

/** The options of following. */
export interface FollowOptions {
  /** Ends the following. The jobs of the devices continue. */
  signal?: AbortSignal;
  onProgress?(report: FollowReport): void;
  /** The shortest pause between two readings of the records, ms; default: 2 s. After a slow reading the pause is ten times the reading. */
  intervalMs?: number;
}

/** The states of the followed devices. */
export interface FollowReport {
  /** The number of devices in each state. */
  states: Record<State, number>;
  /** The number of failed devices by error code. */
  failures: Record<string, number>;
  /** The number of devices without a record. */
  unknown: number;
  /** The time of the last scheduled job; null if nothing is under way. */
  lastDue: EpochMs | null;
  /** False while a device is under way. */
  finished: boolean;
}

const underWay: readonly State[] = ['queued', 'working', 'retrying'];

/**
 * Follows devices until no device is under way. Each round reads the summaries of all records.
 *
 * @param uuids the devices to follow
 * @returns the last report; `finished` is false if the signal ended the following
 * @throws ProvisioningError `records-unavailable`, after some retries
 */
export async function followFleet(
  { records, clock }: { records: Records; clock: Clock },
  uuids: Iterable<string>,
  { signal, onProgress, intervalMs = 2_000 }: FollowOptions = {},
): Promise<FollowReport> {
  const followed = new Set(uuids);
  let report = emptyReport();
  try {
    for (;;) {
      const startedAt = clock.now();
      report = await retryWithBackoff(clock, () => readOnce(records, followed, startedAt), signal);
      onProgress?.(report);
      if (report.finished) return report;
      await pause(clock, Math.max(intervalMs, 10 * (clock.now() - startedAt)), signal);
    }
  } catch (error) {
    if (!signal?.aborted) throw error;
    return report;
  }
}

async function readOnce(
  records: Records,
  followed: ReadonlySet<string>,
  now: EpochMs,
): Promise<FollowReport> {
  const report = emptyReport();
  let found = 0;
  for await (const summary of records.summaries()) {
    if (!followed.has(summary.uuid)) continue;
    found += 1;
    const own = summaryState(summary, now);
    // The device stays in its state, but the request of the caller failed.
    const isRefused = summary.refusal !== null && !underWay.includes(own);
    const state = isRefused ? 'failed' : own;
    report.states[state] += 1;
    if (state === 'failed') {
      const code = (isRefused ? summary.refusal?.code : summary.code) ?? 'unexpected';
      report.failures[code] = (report.failures[code] ?? 0) + 1;
    }
    if (underWay.includes(state)) report.lastDue = Math.max(report.lastDue ?? 0, summary.job?.due ?? 0);
  }
  report.unknown = followed.size - found;
  report.finished = underWay.every((state) => report.states[state] === 0);
  return report;
}

function emptyReport(): FollowReport {
  const states = Object.fromEntries(stateSchema.options.map((state) => [state, 0])) as FollowReport['states'];
  return { states, failures: {}, unknown: 0, lastDue: null, finished: false };
}
