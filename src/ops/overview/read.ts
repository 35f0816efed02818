import { countCertificates } from '../../certificates/expiry.js';
import { type HealthDependencies, health } from '../../health/health.js';
import { state } from '../../shared/schemas.js';
import { type EpochMs, iso, isoOrNull } from '../../shared/time.js';
import type { RateLimiter } from '../../throttling/rateLimiter.js';
import type { DeviceIndex } from '../devices/DeviceIndex.js';
import type { DeviceSnapshots } from '../devices/snapshot.js';
import { percentile } from '../shared/counting.js';
import { type DepthsDependencies, readDepths } from './depths.js';
import { historyFromSamples, type Samples } from './samples.js';
import type { Overview } from './schema.js';

const freshMs = 1_000;
const hourMs = 3_600_000;

/** Everything that the overview uses. */
export interface OverviewDependencies extends DepthsDependencies, HealthDependencies {
  deviceSnapshots: DeviceSnapshots;
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
  const { devices } = snapshot;
  const history = historyFromSamples(stored);
  const dependency = (name: 'queue' | 'worker' | 'balena' | 'hub') => {
    const { ok = false, detail = 'not known' } = lines.find((each) => each.name === name) ?? {};
    return { ok, detail };
  };
  return {
    at: iso(now),
    queue,
    states: countStates(devices, now),
    devices: devices.size,
    failures: countFailures(devices),
    rateLimiter: {
      limitPerMinute: operationsPerMinute,
      lastMinute: history.at(-1)?.operations ?? null,
      backlogDoneAt: isoOrNull(backlogDoneAt(devices, { now, allServed, operationsPerMinute })),
    },
    timing: timingOf(devices, now),
    history,
    certificates: countCertificates(expiriesOf(devices), now),
    dependencies: {
      queue: dependency('queue'),
      worker: dependency('worker'),
      balena: dependency('balena'),
      hub: dependency('hub'),
    },
    recordsAsOf: iso(snapshot.asOf),
  };
}

function countStates(devices: DeviceIndex, now: EpochMs): Overview['states'] {
  const counts = Object.fromEntries(state.options.map((each) => [each, 0])) as Overview['states'];
  for (const device of devices) counts[device.stateAt(now)] += 1;
  return counts;
}

/** When the rate limiter will have served all pending jobs. Jobs without a reservation are served after all reserved jobs. */
function backlogDoneAt(
  devices: DeviceIndex,
  { now, allServed, operationsPerMinute }: { now: EpochMs; allServed: EpochMs; operationsPerMinute: number },
): EpochMs | null {
  let latest = 0;
  let unreserved = 0;
  for (const { present, due, isReserved } of devices) {
    if (present.job !== 'pending') continue;
    latest = Math.max(latest, due);
    if (!isReserved) unreserved += 1;
  }
  if (latest === 0) return null;
  return Math.round(Math.max(latest, allServed + (unreserved * 60_000) / operationsPerMinute, now));
}

function timingOf(devices: DeviceIndex, now: EpochMs): Overview['timing'] {
  const durations: number[] = [];
  for (const { completedAt, requestedAt, operation } of devices)
    if (completedAt > 0 && now - completedAt < hourMs && operation !== 'deprovision')
      durations.push(Math.max(0, completedAt - requestedAt) / 1_000);
  durations.sort((a, b) => a - b);
  return {
    p50Seconds: percentile(durations, 0.5),
    p95Seconds: percentile(durations, 0.95),
    count: durations.length,
  };
}

/** The expiries of all certificates in use. */
function* expiriesOf(devices: DeviceIndex): Generator<EpochMs> {
  for (const { expiresAt } of devices) if (expiresAt > 0) yield expiresAt;
}

/** Counts failed requests (without discarded requests) and retrying requests by code and step. The most frequent cause is first. */
export function countFailures(devices: DeviceIndex): Overview['failures'] {
  const causes = new Map<string, Overview['failures'][number]>();
  for (const { present, refused } of devices)
    for (const { job, code, step } of [present, refused]) {
      if (code === null || job === 'none' || job === 'discarded') continue;
      const key = `${code} ${step}`;
      const cause = causes.get(key) ?? { code, step, failed: 0, retrying: 0 };
      cause[job === 'pending' ? 'retrying' : 'failed'] += 1;
      causes.set(key, cause);
    }
  return [...causes.values()].sort((a, b) => b.failed + b.retrying - (a.failed + a.retrying));
}
