import { type HealthDependencies, type HealthFacts, readHealthFacts } from '../../health/facts.js';
import { type HealthLine, healthLines } from '../../health/health.js';
import type { DeviceFacts } from '../../health/incidents.js';
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
 * Reads the state of the whole system, for page and CLI. Never throws: records that do not answer are an incident.
 */
export async function readSystemHealth(deps: StatusDependencies): Promise<SystemHealth> {
  const [facts, devices] = await Promise.all([readHealthFacts(deps), listedFacts(deps).catch(() => null)]);
  return healthOf(facts, devices);
}

/** The state of the whole system, and the health of each part, from the facts. */
export function healthOf(facts: HealthFacts, devices: DeviceFacts | null): SystemHealth {
  return { status: systemStatus(facts, devices), lines: healthLines(facts) };
}

async function listedFacts(deps: StatusDependencies): Promise<DeviceFacts> {
  const { listedSnapshots, lateCertificateMs, clock } = deps;
  const { devices, expiries } = await listedSnapshots.read(freshMs);
  return deviceFactsOf(devices, expiries, { now: clock.now(), lateCertificateMs });
}
