/** The tier of an IoT Hub. */
export type Tier = 'F1' | 'S1' | 'S2' | 'S3';

/**
 * The hub's limit of registry operations a minute (create, get, list, update and delete together). Documentation:
 * https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-quotas-throttling
 */
export function operationsPerMinute(tier: Tier, units: number): number {
  return (tier === 'S3' ? 5_000 : 100) * units;
}

/** The hub's limit of queries a minute (over devices, modules and jobs together), by the same page. */
export function queriesPerMinute(tier: Tier, units: number): number {
  return (tier === 'S3' ? 1_000 : 20) * units;
}
