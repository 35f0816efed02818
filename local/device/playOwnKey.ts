import { relative } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { type OwnPair, type OwnPairs, ownPairs } from './ownPair.js';
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

export interface OwnKeyOptions extends DeviceOptions {
  /** The folder for the keys of simulated devices. */
  folder: string;
  /** The lifetime of a new certificate in days. The product refuses more than CERT_DAYS. */
  days: number;
  /** Makes another key, as a device does for a renewal. */
  renews?: boolean;
}

/** The members of the state of a device that the device reads. */
interface State {
  state: string;
  certificate?: { thumbprint: string } | null;
  issuedUntil?: string | null;
  expectedAt?: string | null;
  error?: { code: string; message: string } | null;
}

const shortestWaitMs = 100;
const longestWaitMs = 60_000;

/**
 * Plays a device with an own key, as docs/own-keys.md says: makes a key and a certificate, sends the certificate with the proof of the device, waits until the hub
 * accepts the certificate, connects with the key over MQTT, and sends telemetry. The key is in a file of the device.
 *
 * @returns the file with the key
 * @throws Error of one sentence if the request is refused, or if the wait is over
 */
export async function playOwnKey(options: OwnKeyOptions): Promise<string> {
  const { uuid, say, folder, days, renews } = options;
  simulatorsOf(options.endpoints);
  if (!apiKeyOf(options))
    throw new Error(
      'a request with an own key needs the API key of the device, and this program knows the keys of the demo fleet only: choose another device, or make one with --new',
    );
  await reportOsOf(options);
  const pairs = ownPairs(folder, uuid, days);
  const pair = (!renews && ((await pairs.next()) ?? (await pairs.used()))) || (await make(options, pairs));
  const accepted = await register(options, pairs, pair);
  say(`is accepted by the hub: certificate ${short(accepted.pair)}`);
  await sendTelemetry(options, { uuid, ...accepted.pair }, async () => {
    if (await pairs.next()) await pairs.switchToNext();
    if (!accepted.state.issuedUntil) return;
    await request(options, accepted.pair, accepted.pair);
    say('told the product that the device uses its own key: the issued key ends');
  });
  return pairs.file;
}

async function make({ say }: OwnKeyOptions, pairs: OwnPairs): Promise<OwnPair> {
  const pair = await pairs.make();
  say(`made a private key and a certificate, ${short(pair)}. The key stays in ${relative('', pairs.file)}`);
  return pair;
}

/** Requests that the hub accepts the certificate, and waits until the hub does. */
async function register(
  options: OwnKeyOptions,
  pairs: OwnPairs,
  first: OwnPair,
): Promise<{ pair: OwnPair; state: State }> {
  const { say, patienceMs } = options;
  const deadline = Date.now() + patienceMs;
  let pair = first;
  for (let remade = false; ; ) {
    const { status, text, retryMs } = await request(options, pair, await pairs.used());
    say(`sent the certificate, with its API key as the proof: ${summary({ status, text })}`);
    if (status === 422 && !remade && JSON.parse(text).code === 'certificate-revoked') {
      remade = true;
      pair = await make(options, pairs);
      continue;
    }
    if (status === 401) throw whyUnauthorized(text);
    if (status >= 400 && status < 500) throw refused(status, text);
    const state = status < 300 ? await whenAccepted(options, pair, text, deadline) : null;
    if (state) return { pair, state };
    await waitUntil(Date.now() + retryMs, deadline);
  }
}

/** @returns null if the hub does not accept the certificate of this request any more */
async function whenAccepted(
  options: OwnKeyOptions,
  { thumbprint }: OwnPair,
  answer: string,
  deadline: number,
): Promise<State | null> {
  let state: State = JSON.parse(answer);
  for (;;) {
    if (state.state === 'provisioned' && state.certificate?.thumbprint === thumbprint) return state;
    if (state.state === 'failed') throw new Error(state.error?.message ?? 'the request has failed');
    if (state.certificate && state.state === 'provisioned') return null;
    await waitUntil(Date.parse(state.expectedAt ?? '') || 0, deadline);
    const { status, text } = await call(options, 'GET', `/${options.uuid}`);
    if (status !== 200) throw new Error(`the state cannot be read (${status}): ${detailOf(text)}`);
    state = JSON.parse(text);
  }
}

/** Waits until a time, in the limits of a device that neither hurries nor sleeps. */
async function waitUntil(time: number, deadline: number): Promise<void> {
  const wait = Math.min(Math.max(time - Date.now(), shortestWaitMs), longestWaitMs);
  if (Date.now() + wait > deadline)
    throw new Error('the hub does not accept the device in time: read the output of npm start');
  await setTimeout(wait);
}

function request(options: OwnKeyOptions, { cert }: OwnPair, used: OwnPair | null) {
  const { uuid } = options;
  const body = { uuid, certificate: cert, ...(used && { uses: used.thumbprint }) };
  return call(options, 'POST', '', body);
}

async function call(
  options: OwnKeyOptions,
  method: string,
  path: string,
  body?: object,
): Promise<Answer & { retryMs: number }> {
  const { url, provisionKey } = options.endpoints.functions;
  const response = await fetch(`${url}/api/provision${path}`, {
    method,
    headers: {
      'content-type': 'application/json',
      'x-functions-key': provisionKey,
      authorization: `Bearer ${apiKeyOf(options)}`,
    },
    ...(body && { body: JSON.stringify(body) }),
  });
  const retryMs = Number(response.headers.get('retry-after')) * 1_000;
  return { status: response.status, text: await response.text(), retryMs };
}

function summary({ status, text }: Answer): string {
  if (status === 200) return '200, the hub accepts the certificate already';
  if (status === 202) return `202 accepted, expected at ${JSON.parse(text).expectedAt}`;
  return `${status} ${detailOf(text)}`;
}

function refused(status: number, text: string): Error {
  const isAboutCertificate = /"code": ?"[^"]*certificate/.test(text);
  const remedy = isAboutCertificate ? ' Make another key and certificate with --renew.' : '';
  return new Error(`the request is refused (${status}): ${detailOf(text)}${remedy}`);
}

const short = ({ thumbprint }: OwnPair) => `${thumbprint.slice(0, 16)}…`;
