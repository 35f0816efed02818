import type { Config } from '../config/config.js';
import type { Telemetry } from './sdk.js';

/** No telemetry. The lines of the log go to the console. */
export const telemetryOff: Telemetry = {
  log: (line) => console.log(line),
  flush: async () => {},
  close: async () => {},
};

/**
 * Starts telemetry if the settings name a destination. The start must come before everything else, so that all spans are seen. Without
 * a destination, the SDK is not loaded, and the product's calls of the OpenTelemetry API do nothing.
 */
export async function startTelemetry(
  config: Pick<Config, 'telemetry' | 'operationsPerMinute'>,
): Promise<Telemetry> {
  if (!config.telemetry) return telemetryOff;
  const { startSdk } = await import('./sdk.js');
  return startSdk(config.telemetry, config.operationsPerMinute);
}
