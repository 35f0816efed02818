/** What a device sent. */
export interface Telemetry {
  device: string;
  /** When it came in, ISO 8601. */
  at: string;
  /** Parsed if it is JSON, else text. */
  body: unknown;
  /** From the topic, such as `$.ct` (content type) and the sender's own. */
  properties: Record<string, string>;
}

/** The latest telemetry of each device, in memory. */
export interface TelemetryLog {
  add(telemetry: Telemetry): void;
  /** Oldest first. @param device undefined: of all devices, one after the other */
  of(device?: string): Telemetry[];
  clear(): void;
}

/** @param keep events per device */
export function createTelemetryLog(keep = 100): TelemetryLog {
  const byDevice = new Map<string, Telemetry[]>();
  return {
    add(telemetry) {
      const events = byDevice.get(telemetry.device) ?? [];
      events.push(telemetry);
      if (events.length > keep) events.shift();
      byDevice.set(telemetry.device, events);
    },
    of: (device) =>
      device === undefined ? [...byDevice.values()].flat() : [...(byDevice.get(device) ?? [])],
    clear: () => byDevice.clear(),
  };
}
