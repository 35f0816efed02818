import { type HealthDependencies, type HealthFacts, readHealthFacts } from '../../health/facts.js';
import { type HealthLine, healthLines } from '../../health/health.js';
import type { DeviceFacts } from '../../health/incidents.js';
import type { SystemStatus } from '../../health/statusSchema.js';
import { systemStatus } from '../../health/systemStatus.js';
import type { DeviceSnapshots } from '../devices/snapshot.js';
import { deviceFactsOf } from './deviceFacts.js';

/** Everything that the state of the system needs. */
export interface StatusDependencies extends HealthDependencies {
  deviceSnapshots: DeviceSnapshots;
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
  const [facts, devices] = await Promise.all([
    readHealthFacts(deps),
    deviceFactsOfSnapshot(deps).catch(() => null),
  ]);
  return healthOf(facts, devices);
}

/** The state of the whole system, and the health of each part, from the facts. */
export function healthOf(facts: HealthFacts, devices: DeviceFacts | null): SystemHealth {
  return { status: systemStatus(facts, devices), lines: healthLines(facts) };
}

async function deviceFactsOfSnapshot(deps: StatusDependencies): Promise<DeviceFacts> {
  const { deviceSnapshots, lateCertificateMs, clock } = deps;
  const { devices } = await deviceSnapshots.read(freshMs);
  return deviceFactsOf(devices, { now: clock.now(), lateCertificateMs });
}
