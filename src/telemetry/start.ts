import type { Config } from '../config/config.js';

export interface Telemetry {
  /** A line that belongs to no invocation. */
  log(line: string): void;
  /** Sends what has not been sent, for three seconds at most. Never throws. */
  flush(): Promise<void>;
  /** The same, and ends it. */
  close(): Promise<void>;
}

const off: Telemetry = { log: (line) => console.log(line), flush: async () => {}, close: async () => {} };

/**
 * Starts to send what this process does, if there is where to: before anything else is made, so that all of it is seen. With no such
 * setting the SDK is not even loaded, and the calls to OpenTelemetry's API that are all over the product do nothing.
 */
export async function startTelemetry(
  config: Pick<Config, 'telemetry' | 'operationsPerMinute'>,
): Promise<Telemetry> {
  if (!config.telemetry) return off;
  const { startSdk } = await import('./sdk.js');
  return startSdk(config.telemetry, config.operationsPerMinute);
}
