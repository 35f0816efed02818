import { countCertificates } from '../../certificates/expiry.js';
import { readHealthFacts } from '../../health/facts.js';
import { state } from '../../shared/schemas.js';
import { type EpochMs, iso } from '../../shared/time.js';
import type { DeviceIndex } from '../devices/DeviceIndex.js';
import { isOpenFailure } from '../devices/failures.js';
import type { DeviceSnapshots } from '../devices/snapshot.js';
import { percentile } from '../shared/counting.js';
import { type DepthsDependencies, readDepths } from './depths.js';
import { deviceFactsOf } from './deviceFacts.js';
import { healthOf, type StatusDependencies } from './readStatus.js';
import { historyFromSamples, type Samples } from './samples.js';
import type { Overview } from './schema.js';

const freshMs = 1_000;
const hourMs = 3_600_000;

/** Everything that the overview uses. */
export interface OverviewDependencies extends DepthsDependencies, StatusDependencies {
  deviceSnapshots: DeviceSnapshots;
  samples: Samples;
}

/**
 * Reads the state of the whole system.
 *
 * @throws ProvisioningError `records-unavailable`
 */
export async function readOverview(deps: OverviewDependencies): Promise<Overview> {
  const { clock, deviceSnapshots, samples, operationsPerMinute, lateCertificateMs } = deps;
  const [snapshot, queue, stored, facts] = await Promise.all([
    deviceSnapshots.read(freshMs),
    readDepths(deps),
    samples.since(clock.now() - hourMs - 60_000),
    readHealthFacts(deps),
  ]);
  const now = clock.now();
  const { devices } = snapshot;
  const history = historyFromSamples(stored);
  const counted = deviceFactsOf(devices, expiriesOf(devices), { now, lateCertificateMs });
  const { status, lines } = healthOf(facts, counted);
  const dependency = (name: 'queue' | 'worker' | 'balena' | 'hub') => {
    const { ok = false, detail = 'not known' } = lines.find((each) => each.name === name) ?? {};
    return { ok, detail };
  };
  return {
    at: iso(now),
    status,
    queue,
    states: countStates(devices, now),
    devices: devices.size,
    failures: countFailures(devices),
    failed: counted.failed,
    rateLimiter: {
      limitPerMinute: operationsPerMinute,
      lastMinute: history.at(-1)?.operations ?? null,
      backlogDoneAt: status.backlog.doneAt,
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
  for (const device of devices)
    for (const part of [device.present, device.refused]) {
      const { job, code, step } = part;
      if (code === null || (job !== 'pending' && !isOpenFailure(device, part))) continue;
      const key = `${code} ${step}`;
      const cause = causes.get(key) ?? { code, step, failed: 0, retrying: 0 };
      cause[job === 'pending' ? 'retrying' : 'failed'] += 1;
      causes.set(key, cause);
    }
  return [...causes.values()].sort((a, b) => b.failed + b.retrying - (a.failed + a.retrying));
}
