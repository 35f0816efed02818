import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import type { Endpoints } from '../stack/Endpoints.js';
import { connectDevice } from './connectDevice.js';
import { readVariables } from './readVariables.js';
import { reportOs } from './reportOs.js';

export interface PlayOptions {
  endpoints: Endpoints;
  uuid: string;
  /**
   * The device's own API key, a proof of the device's identity. Default: the key that the demo fleet lists for the
   * device.
   */
  apiKey?: string;
  /** The service that requests the credentials and reads the variables; '' for the device level. */
  service: string;
  /**
   * Whether the device proves its identity with its own API key. Without a proof, the device behaves as the unmodified Cloud Relay, which
   * sends no proof, and repeats its request whatever the answer is. Default true.
   */
  proves?: boolean;
  /** Whether the device first reports its OS to balena, with its own key. Default true. */
  reportsOs?: boolean;
  /** How many telemetry messages to send. */
  messages: number;
  /** Time between two messages, ms. */
  intervalMs: number;
  /** Longest wait for the credentials, ms. */
  patienceMs: number;
  /** Called with a line of text for each step. */
  say(line: string): void;
}

/** Cloud Relay's container restarts after each request, with a delay that doubles from 100 ms to 60 s. */
const firstWaitMs = 100;
const longestWaitMs = 60_000;

/**
 * Plays Cloud Relay on a device: reports the OS to balena, requests credentials, waits for the device's variables, connects with the credentials
 * over MQTT, and sends telemetry.
 *
 * @throws Error of one sentence if a request is refused, or if the wait is over without credentials
 */
export async function playDevice(options: PlayOptions): Promise<void> {
  const { endpoints, uuid, service, say } = options;
  const { balena, iotHub } = endpoints;
  if (!balena || !iotHub) {
    throw new Error(
      'the device needs the simulators of balena and IoT Hub: run npm start without BALENA_… and IOTHUB_… settings',
    );
  }
  const ownKey = options.apiKey ?? balena.devices.find((device) => device.uuid === uuid)?.apiKey;
  const apiKey = ownKey ?? balena.apiKey;
  const variables = () => readVariables({ apiUrl: balena.apiUrl, apiKey }, uuid, service);

  // Without a key of its own, a device that balena does not know cannot report.
  if (ownKey && options.reportsOs !== false) {
    await reportOs({ apiUrl: balena.apiUrl, apiKey: ownKey });
    say('reported its OS to balena');
  }
  const { cert, key } = await waitForCredentials(
    options,
    options.proves === false ? undefined : ownKey,
    variables,
  );
  const { validTo, fingerprint256 } = new X509Certificate(cert);
  say(
    `has its credentials: certificate ${fingerprint256.replaceAll(':', '').slice(0, 16)}…, valid to ${validTo}`,
  );

  const hostName = `localhost:${iotHub.mqttPort}`;
  const ca = await readCa(iotHub.caFile);
  const device = await connectDevice({ uuid, cert, key }, { hostName, ca });
  say(`is connected to ${hostName} over MQTT`);
  for (let sent = 1; sent <= options.messages; sent += 1) {
    await device.send({ message: sent, at: new Date().toISOString() });
    say(`sent telemetry ${sent} of ${options.messages}`);
    if (sent < options.messages) await setTimeout(options.intervalMs);
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

async function waitForCredentials(
  { endpoints, uuid, service, patienceMs, say, proves = true }: PlayOptions,
  proof: string | undefined,
  variables: () => ReturnType<typeof readVariables>,
): Promise<{ cert: string; key: string }> {
  const { url, provisionKey } = endpoints.functions;
  const provisionUrl = `${url}/api/provision?code=${encodeURIComponent(provisionKey)}`;
  const deadline = Date.now() + patienceMs;
  const started = Date.now();
  for (let waitMs = firstWaitMs; ; waitMs = Math.min(waitMs * 2, longestWaitMs)) {
    const found = credentialsIn(await variables());
    if (found) return found;
    const { status, text } = await requestCredentials(provisionUrl, uuid, service, proof);
    say(`requested credentials, after ${Date.now() - started} ms: ${summary(status, text)}`);
    if (status === 401 && proves) {
      const why = text
        ? detailOf(text)
        : 'the function key is refused: .local/endpoints.json may be of another system';
      throw new Error(`${why} (401)`);
    }
    if (status >= 400 && status < 500 && status !== 409 && proves)
      throw new Error(`the request is refused (${status}): ${detailOf(text)}`);
    if (Date.now() + waitMs > deadline)
      throw new Error(`no credentials after ${Math.round(patienceMs / 1_000)} s`);
    const came = await credentialsWithin(waitMs, variables);
    if (came) return came;
  }
}

/** The supervisor restarts a container about a second after a change of its variables. The container does not wait for its next restart. */
const supervisorMs = 1_000;

/** Waits for the next request, or for the variables, whichever comes first. */
async function credentialsWithin(
  ms: number,
  variables: () => ReturnType<typeof readVariables>,
): Promise<{ cert: string; key: string } | null> {
  for (let left = ms; left > 0; left -= supervisorMs) {
    await setTimeout(Math.min(left, supervisorMs));
    const found = left > supervisorMs ? credentialsIn(await variables()) : null;
    if (found) return found;
  }
  return null;
}

function credentialsIn({ AZURE_CERT, AZURE_PRIVATE_KEY }: Awaited<ReturnType<typeof readVariables>>) {
  if (!AZURE_CERT || !AZURE_PRIVATE_KEY) return null;
  return { cert: fromBase64(AZURE_CERT), key: fromBase64(AZURE_PRIVATE_KEY) };
}

function summary(status: number, text: string): string {
  if (status === 202) {
    const { state, expectedAt } = JSON.parse(text);
    return `202 accepted, ${state}, expected at ${expectedAt}`;
  }
  return `${status} ${detailOf(text)}`;
}

function detailOf(text: string): string {
  try {
    return JSON.parse(text).detail ?? text;
  } catch {
    return text;
  }
}

function fromBase64(text: string): string {
  return Buffer.from(text, 'base64').toString();
}

export interface Answer {
  status: number;
  /** The text of the answer, unchanged. */
  text: string;
}

/**
 * Requests a device's credentials in the way of Cloud Relay: with the function's key in the URL. Cloud Relay sends no
 * credential of the device. A device with an API key of its own can prove its identity by sending the key.
 *
 * @param provisionUrl the fleet's PROVISION_URL, including `?code=`
 * @param service undefined to leave the field out
 * @param apiKey the device's own
 */
export async function requestCredentials(
  provisionUrl: string,
  uuid: string,
  service: string | undefined,
  apiKey?: string,
): Promise<Answer> {
  const response = await fetch(provisionUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(apiKey && { authorization: `Bearer ${apiKey}` }) },
    body: JSON.stringify({ uuid, ...(service !== undefined && { balena_service: service }) }),
  });
  return { status: response.status, text: await response.text() };
}
