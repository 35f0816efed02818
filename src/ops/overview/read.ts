import { countCertificates } from '../../certificates/expiry.js';
import { type Summary, summaryState } from '../../device/summary.js';
import { health } from '../../health/health.js';
import { state } from '../../shared/schemas.js';
import { iso, isoOrNull } from '../../shared/time.js';
import { percentile } from '../counting.js';
import type { OpsDependencies } from '../dependencies.js';
import { readDepths } from './depths.js';
import { historyOf } from './samples.js';
import type { Overview } from './schema.js';

const freshMs = 1_000;
const hourMs = 3_600_000;

/**
 * What the system is at.
 *
 * @throws ProvisioningError `records-unavailable`
 */
export async function readOverview(deps: OpsDependencies): Promise<Overview> {
  const { clock, recordBook, samples, operationsPerMinute } = deps;
  const [snapshot, queue, stored, lines, nextFree] = await Promise.all([
    recordBook.read(freshMs),
    readDepths(deps),
    samples.since(clock.now() - hourMs - 60_000),
    health(deps),
    deps.rateLimiter.nextFree(),
  ]);
  const now = clock.now();
  const records = [...snapshot.records.values()];
  const history = historyOf(stored);
  const line = (name: 'balena' | 'hub') => {
    const { ok = false, detail = 'not known' } = lines.find((each) => each.name === name) ?? {};
    return { ok, detail };
  };
  return {
    at: iso(now),
    queue,
    states: countStates(records, now),
    devices: records.length,
    failures: countFailures(records),
    rateLimiter: {
      limitPerMinute: operationsPerMinute,
      lastMinute: history.at(-1)?.operations ?? null,
      backlogDoneAt: isoOrNull(backlogDoneAt(records, { now, nextFree, operationsPerMinute })),
    },
    timing: timingOf(records, now),
    history,
    certificates: await countCertificates(records, now),
    dependencies: { balena: line('balena'), hub: line('hub') },
    recordsAsOf: iso(snapshot.asOf),
  };
}

function countStates(records: readonly Summary[], now: number): Overview['states'] {
  const counts = Object.fromEntries(state.options.map((each) => [each, 0])) as Overview['states'];
  for (const summary of records) counts[summaryState(summary, now)] += 1;
  return counts;
}

/** When the last that waits has its turn: those that have a slot at the slot, and those that have none yet behind them. */
function backlogDoneAt(
  records: readonly Summary[],
  { now, nextFree, operationsPerMinute }: { now: number; nextFree: number; operationsPerMinute: number },
): number | null {
  let latest = 0;
  let without = 0;
  for (const { job } of records) {
    if (!job || job.deadAt !== null || job.kind !== 'change') continue;
    latest = Math.max(latest, job.due);
    if (!job.reserved) without += 1;
  }
  if (latest === 0) return null;
  return Math.round(Math.max(latest, nextFree + (without * 60_000) / operationsPerMinute, now));
}

function timingOf(records: readonly Summary[], now: number): Overview['timing'] {
  const seconds = records
    .filter(
      ({ completedAt, operation }) =>
        completedAt !== null && now - completedAt < hourMs && operation !== 'deprovision',
    )
    .map(({ completedAt, requestedAt }) => Math.max(0, (completedAt ?? 0) - requestedAt) / 1_000)
    .sort((a, b) => a - b);
  return {
    p50Seconds: percentile(seconds, 0.5),
    p95Seconds: percentile(seconds, 0.95),
    count: seconds.length,
  };
}

/** What fails and where, the most frequent first: what failed for good (and is not discarded), and what is being retried. */
export function countFailures(records: readonly Summary[]): Overview['failures'] {
  const causes = new Map<string, Overview['failures'][number]>();
  for (const { code, step, job } of records) {
    if (code === null || !job || job.discarded) continue;
    const key = `${code} ${step}`;
    const cause = causes.get(key) ?? { code, step, failed: 0, retrying: 0 };
    cause[job.deadAt === null ? 'retrying' : 'failed'] += 1;
    causes.set(key, cause);
  }
  return [...causes.values()].sort((a, b) => b.failed + b.retrying - (a.failed + a.retrying));
}
