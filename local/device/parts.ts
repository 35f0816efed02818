import { readFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import type { BalenaEndpoints } from '../simulators/balena/startBalena.js';
import type { IotHubEndpoints } from '../simulators/iothub/startIotHub.js';
import type { Endpoints } from '../stack/Endpoints.js';
import { connectDevice, type DeviceCredentials } from './connectDevice.js';
import { reportOs } from './reportOs.js';

/** The options of every simulated device, with an issued or an own key. */
export interface DeviceOptions {
  endpoints: Endpoints;
  uuid: string;
  /**
   * The device's own API key, a proof of the device's identity. Default: the key that the demo fleet lists for the
   * device.
   */
  apiKey?: string;
  /** Whether the device first reports its OS to balena, with its own key. Default true. */
  reportsOs?: boolean;
  /** How many telemetry messages to send. */
  messages: number;
  /** Time between two messages, ms. */
  intervalMs: number;
  /** Longest wait until the hub accepts the device, ms. */
  patienceMs: number;
  /** Called with a line of text for each step. */
  say(line: string): void;
}

/** An answer of the functions. */
export interface Answer {
  status: number;
  /** The text of the answer, unchanged. */
  text: string;
}

/** @throws Error of one sentence if balena or the hub is no simulator */
export function simulatorsOf({ balena, iotHub }: Endpoints): {
  balena: BalenaEndpoints;
  iotHub: IotHubEndpoints;
} {
  if (balena && iotHub) return { balena, iotHub };
  throw new Error(
    'the device needs the simulators of balena and IoT Hub: run npm start without BALENA_… and IOTHUB_… settings',
  );
}

/** @returns the API key of the device; undefined if neither the caller nor the demo fleet has the key */
export function apiKeyOf({
  apiKey,
  endpoints,
  uuid,
}: Pick<DeviceOptions, 'apiKey' | 'endpoints' | 'uuid'>): string | undefined {
  return apiKey ?? endpoints.balena?.devices.find((device) => device.uuid === uuid)?.apiKey;
}

/** Reports the OS of a device. Without an API key of its own, a device that balena does not know cannot report. */
export async function reportOsOf(options: DeviceOptions): Promise<void> {
  const { balena } = simulatorsOf(options.endpoints);
  const apiKey = apiKeyOf(options);
  if (!apiKey || options.reportsOs === false) return;
  await reportOs({ apiUrl: balena.apiUrl, apiKey });
  options.say('reported its OS to balena');
}

/**
 * Connects to the hub over MQTT, and sends telemetry.
 *
 * @param connected called after the hub has accepted the connection
 * @throws Error if the hub refuses the connection
 */
export async function sendTelemetry(
  { endpoints, say, messages, intervalMs }: DeviceOptions,
  credentials: DeviceCredentials,
  connected: () => Promise<void> = async () => {},
): Promise<void> {
  const { iotHub } = simulatorsOf(endpoints);
  const hostName = `localhost:${iotHub.mqttPort}`;
  const device = await connectDevice(credentials, { hostName, ca: await readCa(iotHub.caFile) });
  say(`is connected to ${hostName} over MQTT`);
  await connected();
  for (let sent = 1; sent <= messages; sent += 1) {
    await device.send({ message: sent, at: new Date().toISOString() });
    say(`sent telemetry ${sent} of ${messages}`);
    if (sent < messages) await setTimeout(intervalMs);
  }
  await device.close();
}

async function readCa(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch {
    throw new Error(
      `the certificate of the local hub, ${file}, cannot be read: is the system still running?`,
    );
  }
}

/** The sentence for readers in an answer with an error. */
export function detailOf(text: string): string {
  try {
    return JSON.parse(text).detail ?? text;
  } catch {
    return text;
  }
}

/** Why the functions answered 401. The functions always give a reason, and the host gives none. */
export function whyUnauthorized(text: string): Error {
  const why = text
    ? detailOf(text)
    : 'the function key is refused: .local/endpoints.json may be of another system';
  return new Error(`${why} (401)`);
}
