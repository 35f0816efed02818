import { type HealthDependencies, type HealthFacts, readHealthFacts } from '../../health/facts.js';
import { type HealthLine, healthLines } from '../../health/health.js';
import { type DeviceFacts, stops } from '../../health/incidents.js';
import type { SystemStatus } from '../../health/statusSchema.js';
import { systemStatus } from '../../health/systemStatus.js';
import type { ListedSnapshots } from '../devices/listed.js';
import { deviceFactsOf } from './deviceFacts.js';

/** Everything that the state of the system needs. */
export interface StatusDependencies extends HealthDependencies {
  listedSnapshots: ListedSnapshots;
  /** A certificate that expires within this time is late, ms: the renewal of each device comes before. */
  lateCertificateMs: number;
}

/** The state of the system, with the health of each part. */
export interface SystemHealth {
  status: SystemStatus;
  lines: HealthLine[];
}

const freshMs = 5_000;

/**
 * Reads the state of the whole system, for page and CLI. The number of waiting devices may be some seconds old, with one exception: while all work is
 * stopped, "No device waits" would tell an operator that the stop does no harm. Never throws: records that do not answer are an incident.
 */
export async function readSystemHealth(deps: StatusDependencies): Promise<SystemHealth> {
  const count = (oldestMs: number) => listedFacts(deps, oldestMs).catch(() => null);
  const [facts, devices] = await Promise.all([readHealthFacts(deps), count(freshMs)]);
  const isInDoubt = devices?.waiting === 0 && stops(facts).length > 0;
  return healthOf(facts, isInDoubt ? await count(0) : devices);
}

/** The state of the whole system, and the health of each part, from the facts. */
export function healthOf(facts: HealthFacts, devices: DeviceFacts | null): SystemHealth {
  return { status: systemStatus(facts, devices), lines: healthLines(facts) };
}

async function listedFacts(deps: StatusDependencies, oldestMs: number): Promise<DeviceFacts> {
  const { listedSnapshots, lateCertificateMs, clock } = deps;
  const { devices, expiries } = await listedSnapshots.read(oldestMs);
  return deviceFactsOf(devices, expiries, { now: clock.now(), lateCertificateMs });
}
