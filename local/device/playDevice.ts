import { X509Certificate } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import {
  type Answer,
  apiKeyOf,
  type DeviceOptions,
  detailOf,
  reportOsOf,
  sendTelemetry,
  simulatorsOf,
  whyUnauthorized,
} from './parts.js';
import { type DeviceVariables, readVariables } from './readVariables.js';

export interface PlayOptions extends DeviceOptions {
  /** The service that requests the credentials and reads the variables; '' for the device level. */
  service: string;
  /**
   * Whether the device proves its identity with its own API key. Without a proof, the device behaves as the unmodified Cloud Relay, which
   * sends no proof, and repeats its request whatever the answer is. Default true.
   */
  proves?: boolean;
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
  const { balena } = simulatorsOf(endpoints);
  const apiKey = apiKeyOf(options);
  const access = { apiUrl: balena.apiUrl, apiKey: apiKey ?? balena.apiKey };
  await reportOsOf(options);
  const { cert, key } = await waitForCredentials(options, options.proves === false ? undefined : apiKey, () =>
    readVariables(access, uuid, service),
  );
  const { validTo, fingerprint256 } = new X509Certificate(cert);
  say(
    `has its credentials: certificate ${fingerprint256.replaceAll(':', '').slice(0, 16)}…, valid to ${validTo}`,
  );
  await sendTelemetry(options, { uuid, cert, key });
}

async function waitForCredentials(
  { endpoints, uuid, service, patienceMs, say, proves = true }: PlayOptions,
  proof: string | undefined,
  variables: () => Promise<DeviceVariables>,
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
    if (status === 401 && proves) throw whyUnauthorized(text);
    if (status >= 400 && status < 500 && status !== 409 && proves)
      throw new Error(`the request is refused (${status}): ${detailOf(text)}`);
    if (status === 409 && retryTime(text) > deadline)
      throw new Error(`the request has to wait (409): ${detailOf(text)}`);
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
  variables: () => Promise<DeviceVariables>,
): Promise<{ cert: string; key: string } | null> {
  for (let left = ms; left > 0; left -= supervisorMs) {
    await setTimeout(Math.min(left, supervisorMs));
    const found = left > supervisorMs ? credentialsIn(await variables()) : null;
    if (found) return found;
  }
  return null;
}

function credentialsIn({ AZURE_CERT, AZURE_PRIVATE_KEY }: DeviceVariables) {
  if (!AZURE_CERT || !AZURE_PRIVATE_KEY) return null;
  return { cert: fromBase64(AZURE_CERT), key: fromBase64(AZURE_PRIVATE_KEY) };
}

/** @returns the time of the next possible request, if the answer names a time; otherwise 0 */
function retryTime(text: string): number {
  try {
    return Date.parse(JSON.parse(text).retryAt) || 0;
  } catch {
    return 0;
  }
}

function summary(status: number, text: string): string {
  if (status === 202) {
    const { state, expectedAt } = JSON.parse(text);
    return `202 accepted, ${state}, expected at ${expectedAt}`;
  }
  return `${status} ${detailOf(text)}`;
}

function fromBase64(text: string): string {
  return Buffer.from(text, 'base64').toString();
}

/**
 * Requests a device's credentials in the way of Cloud Relay: with the function's key in the URL. Cloud Relay sends no
 * credential of the device. A device with an API key of its own can prove its identity by sending the key.
 *
 * @param provisionUrl the fleet's PROVISION_URL, including `?code=`
 * @param service undefined to leave the field out
 * @param apiKey the device's own
 */
async function requestCredentials(
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
