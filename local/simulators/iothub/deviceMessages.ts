import type { PublishPacket } from 'aedes';
import { z } from 'zod';

/** Largest device-to-cloud message, bytes (Microsoft: "IoT Hub quotas and throttling"). */
const maxMessageBytes = 256 * 1024;

/** Topics open to every device. */
const subscribable = /^\$iothub\/(twin\/(res|PATCH\/properties\/desired)|methods\/POST)\/#$/;

/** Thrown for a forbidden message. The hub answers by closing the connection. */
export class ForbiddenMessage extends Error {}

/**
 * Handles a device's message: logs telemetry, answers twin requests, and ignores the results of methods, because
 * nobody calls methods here.
 *
 * @returns the answer to publish to the device, if there is one
 * @throws ForbiddenMessage
 */
export function receiveMessage(
  device: string,
  { topic, qos, payload }: PublishPacket,
  { twins, onTelemetry }: { twins: Twins; onTelemetry(telemetry: Telemetry): void },
): PublishPacket | undefined {
  const bytes = Buffer.from(payload);
  if (qos === 2) throw new ForbiddenMessage('QoS 2 is not supported');
  if (bytes.length > maxMessageBytes) throw new ForbiddenMessage('a message is larger than 256 KiB');
  if (topic.startsWith(eventsTopic(device))) {
    onTelemetry(readTelemetry(device, topic, bytes));
    return undefined;
  }
  const answer = twins.answer(device, topic, bytes);
  if (!answer && !topic.startsWith('$iothub/methods/res/')) {
    throw new ForbiddenMessage(`a device may not publish to ${topic}`);
  }
  return answer;
}

/** A device may subscribe to messages for the device and to the hub's answers. */
export const maySubscribe = (device: string, topic: string) =>
  topic === `devices/${device}/messages/devicebound/#` || subscribable.test(topic);

/**
 * The device twins, with the parts that a starting device needs: reading the twin and reporting properties. The twins
 * are in memory and have no desired properties.
 */
export interface Twins {
  /** Answers a twin request; undefined for any other topic. */
  answer(device: string, topic: string, payload: Buffer): PublishPacket | undefined;
  forget(device: string): void;
}

type Properties = Record<string, unknown>;

const request = /^\$iothub\/twin\/(GET\/|PATCH\/properties\/reported\/)\?(.*)$/;
const patchBody = z.record(z.string(), z.unknown());

export function createTwins(): Twins {
  const reported = new Map<string, { version: number; properties: Properties }>();
  const of = (device: string) => reported.get(device) ?? { version: 1, properties: {} };

  return {
    answer(device, topic, payload) {
      const [, what, query] = request.exec(topic) ?? [];
      if (!what) return undefined;
      const id = new URLSearchParams(query).get('$rid') ?? '';
      const { version, properties } = of(device);
      if (what === 'GET/') {
        const twin = { desired: { $version: 1 }, reported: { ...properties, $version: version } };
        return response(200, `$rid=${id}`, twin);
      }
      const patch = patchBody.safeParse(readJson(payload));
      if (!patch.success)
        return response(400, `$rid=${id}`, { errorCode: 400004, message: 'ArgumentInvalid' });
      reported.set(device, { version: version + 1, properties: merge(properties, patch.data) });
      return response(204, `$rid=${id}&$version=${version + 1}`);
    },
    forget(device) {
      reported.delete(device);
    },
  };
}

function response(status: number, query: string, body?: unknown): PublishPacket {
  const topic = `$iothub/twin/res/${status}/?${query}`;
  const payload = body === undefined ? '' : JSON.stringify(body);
  return { cmd: 'publish', qos: 0, dup: false, retain: false, topic, payload };
}

/** JSON merge patch: null removes a property. */
export function merge(before: Properties, patch: Properties): Properties {
  const after = { ...before };
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete after[name];
    else after[name] = isObject(value) ? merge(isObject(after[name]) ? after[name] : {}, value) : value;
  }
  return after;
}

const isObject = (value: unknown): value is Properties =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function readJson(payload: Buffer): unknown {
  try {
    return JSON.parse(payload.toString());
  } catch {
    return undefined;
  }
}

/** Reads telemetry. The properties follow the topic: `devices/<id>/messages/events/$.ct=application%2Fjson&site=7`. */
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

/** A line of text for a terminal. JSON escapes all control characters. */
export function telemetryLine({ device, body }: Telemetry): string {
  const text = JSON.stringify(body);
  return `telemetry from ${shortId(device)}: ${text.length > 300 ? `${text.slice(0, 300)}...` : text}`;
}

/** The first digits of a balena UUID, as balena's own tools show the UUID. */
export const shortId = (device: string) => (device.length > 7 ? `${device.slice(0, 7)}…` : device);

function readBody(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** A telemetry message from a device. */
export interface Telemetry {
  device: string;
  /** Time of arrival, ISO 8601. */
  at: string;
  /** Parsed JSON, or text. */
  body: unknown;
  /** Properties from the topic: the system's, for example `$.ct` (content type), and the sender's. */
  properties: Record<string, string>;
}

/** The latest telemetry of each device, in memory. */
export interface TelemetryLog {
  add(telemetry: Telemetry): void;
  /** Oldest first. @param device undefined: all devices, in turn */
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
