import type { Telemetry } from './createTelemetryLog.js';

/** A telemetry topic's properties follow it: `devices/<id>/messages/events/$.ct=application%2Fjson&site=7`. */
export function readTelemetry(device: string, topic: string, payload: Buffer): Telemetry {
  const bag = topic.slice(eventsTopic(device).length);
  return {
    device,
    at: new Date().toISOString(),
    body: readBody(payload.toString()),
    properties: Object.fromEntries(new URLSearchParams(bag.replace(/\/$/, ''))),
  };
}

export const eventsTopic = (device: string) => `devices/${device}/messages/events/`;

/** One line for a terminal; JSON escapes whatever could control it. */
export function telemetryLine({ device, body }: Telemetry): string {
  const text = JSON.stringify(body);
  return `telemetry from ${shortId(device)}: ${text.length > 300 ? `${text.slice(0, 300)}...` : text}`;
}

/** Enough of a balena UUID to recognize the device, as balena's own tools show it. */
export const shortId = (device: string) => (device.length > 7 ? `${device.slice(0, 7)}…` : device);

function readBody(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
