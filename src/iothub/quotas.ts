export type Tier = 'F1' | 'S1' | 'S2' | 'S3';

/**
 * Registry operations (create, get, list, update and delete together) that a hub allows in a minute. Documented:
 * https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-quotas-throttling
 */
export function operationsPerMinute(tier: Tier, units: number): number {
  return (tier === 'S3' ? 5_000 : 100) * units;
}

/** Queries (over devices, modules and jobs) that a hub allows in a minute, by the same page. */
export function queriesPerMinute(tier: Tier, units: number): number {
  return (tier === 'S3' ? 1_000 : 20) * units;
}
