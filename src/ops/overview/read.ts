import { countCertificates } from '../../certificates/expiry.js';
import { partsOf, type Summary, summaryState } from '../../device/summary.js';
import { type HealthDependencies, health } from '../../health/health.js';
import { state } from '../../shared/schemas.js';
import { type EpochMs, iso, isoOrNull } from '../../shared/time.js';
import type { RateLimiter } from '../../throttling/rateLimiter.js';
import { percentile } from '../shared/counting.js';
import { type DepthsDependencies, readDepths } from './depths.js';
import { historyFromSamples, type Samples } from './samples.js';
import type { Overview } from './schema.js';

const freshMs = 1_000;
const hourMs = 3_600_000;

/** Everything that the overview uses. */
export interface OverviewDependencies extends DepthsDependencies, HealthDependencies {
  rateLimiter: RateLimiter;
  /** The hub's limit of registry operations a minute. */
  operationsPerMinute: number;
  samples: Samples;
}

/**
 * Reads the state of the whole system.
 *
 * @throws ProvisioningError `records-unavailable`
 */
export async function readOverview(deps: OverviewDependencies): Promise<Overview> {
  const { clock, deviceSnapshots, samples, rateLimiter, operationsPerMinute } = deps;
  const [snapshot, queue, stored, lines, allServed] = await Promise.all([
    deviceSnapshots.read(freshMs),
    readDepths(deps),
    samples.since(clock.now() - hourMs - 60_000),
    health(deps),
    rateLimiter.allServed(),
  ]);
  const now = clock.now();
  const records = [...snapshot.records.values()];
  const history = historyFromSamples(stored);
  const dependency = (name: 'worker' | 'balena' | 'hub') => {
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
      backlogDoneAt: isoOrNull(backlogDoneAt(records, { now, allServed, operationsPerMinute })),
    },
    timing: timingOf(records, now),
    history,
    certificates: await countCertificates(records, now),
    dependencies: { worker: dependency('worker'), balena: dependency('balena'), hub: dependency('hub') },
    recordsAsOf: iso(snapshot.asOf),
  };
}

function countStates(records: readonly Summary[], now: EpochMs): Overview['states'] {
  const counts = Object.fromEntries(state.options.map((each) => [each, 0])) as Overview['states'];
  for (const summary of records) counts[summaryState(summary, now)] += 1;
  return counts;
}

/** When the rate limiter will have served all pending jobs. Jobs without a reservation are served after all reserved jobs. */
function backlogDoneAt(
  records: readonly Summary[],
  { now, allServed, operationsPerMinute }: { now: EpochMs; allServed: EpochMs; operationsPerMinute: number },
): EpochMs | null {
  let latest = 0;
  let unreserved = 0;
  for (const { job } of records) {
    if (!job || job.deadAt !== null) continue;
    latest = Math.max(latest, job.due);
    if (!job.reserved) unreserved += 1;
  }
  if (latest === 0) return null;
  return Math.round(Math.max(latest, allServed + (unreserved * 60_000) / operationsPerMinute, now));
}

function timingOf(records: readonly Summary[], now: EpochMs): Overview['timing'] {
  const durations = records
    .filter(
      ({ completedAt, operation }) =>
        completedAt !== null && now - completedAt < hourMs && operation !== 'deprovision',
    )
    .map(({ completedAt, requestedAt }) => Math.max(0, (completedAt ?? 0) - requestedAt) / 1_000)
    .sort((a, b) => a - b);
  return {
    p50Seconds: percentile(durations, 0.5),
    p95Seconds: percentile(durations, 0.95),
    count: durations.length,
  };
}

/** Counts failed requests (without discarded requests) and retrying requests by code and step. The most frequent cause is first. */
export function countFailures(records: readonly Summary[]): Overview['failures'] {
  const causes = new Map<string, Overview['failures'][number]>();
  for (const { code, step, job } of records.flatMap(partsOf)) {
    if (code === null || !job || job.discarded) continue;
    const key = `${code} ${step}`;
    const cause = causes.get(key) ?? { code, step, failed: 0, retrying: 0 };
    cause[job.deadAt === null ? 'retrying' : 'failed'] += 1;
    causes.set(key, cause);
  }
  return [...causes.values()].sort((a, b) => b.failed + b.retrying - (a.failed + a.retrying));
}
