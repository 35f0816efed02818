import 'reflect-metadata';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import { Agent, request } from 'node:https';
import * as x509 from '@peculiar/x509';
import { Client } from 'azure-iot-device';
import { Mqtt } from 'azure-iot-device-mqtt';
import { Registry, SharedAccessSignature } from 'azure-iothub';
import type { IotHubEndpoints } from '../../../../local/simulators/iothub/startIotHub.js';
import { callControl } from '../shared/callControl.js';

/** A device's key and certificate. */
export interface Minted {
  key: string;
  cert: string;
  sha256: string;
  sha1: string;
}

const hour = 3_600_000;

/** @param validity milliseconds from now */
export async function mint(deviceId: string, validity = { from: -hour, to: hour }): Promise<Minted> {
  const alg = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await crypto.subtle.generateKey(alg, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${deviceId}`,
    keys,
    signingAlgorithm: alg,
    notBefore: new Date(Date.now() + validity.from),
    notAfter: new Date(Date.now() + validity.to),
  });
  const der = Buffer.from(certificate.rawData);
  return {
    key: x509.PemConverter.encode(await crypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY'),
    cert: certificate.toString('pem'),
    sha256: createHash('sha256').update(der).digest('hex'),
    sha1: createHash('sha1').update(der).digest('hex'),
  };
}

/** The registry request's body for a device with a certificate. */
export function withThumbprint(deviceId: string, primaryThumbprint: string, secondaryThumbprint?: string) {
  return {
    deviceId,
    status: 'enabled' as const,
    authentication: {
      type: 'selfSigned' as const,
      x509Thumbprint: { primaryThumbprint, secondaryThumbprint },
    },
  };
}

/** The unmodified SDK. The port goes into the agent, because the SDK does not accept a port in the host name. */
export function openRegistry(endpoints: IotHubEndpoints, connectionString = endpoints.connectionString) {
  const agent = new Agent({ keepAlive: true, port: endpoints.httpsPort });
  const registry = Registry.fromConnectionString(connectionString.replace(/localhost:\d+/, 'localhost'));
  const ca = readFileSync(endpoints.caFile, 'utf8');
  const { _restApiClient } = registry as unknown as { _restApiClient: { setOptions(options: object): void } };
  _restApiClient.setOptions({ http: { agent }, ca });
  return { registry, close: () => agent.destroy() };
}

/** The unmodified SDK, without retries. */
export async function deviceClient(endpoints: IotHubEndpoints, deviceId: string, credentials: Minted) {
  const host = `localhost:${endpoints.mqttPort}`;
  const client = Client.fromConnectionString(`HostName=${host};DeviceId=${deviceId};x509=true`, Mqtt);
  client.setRetryPolicy({ shouldRetry: () => false, nextRetryTimeout: () => -1 });
  await client.setOptions({ ...credentials, ca: readFileSync(endpoints.caFile, 'utf8') });
  return client;
}

/** The HTTP status of a refusal; 0 for a successful call. */
export const statusOf = (call: Promise<unknown>): Promise<number | undefined> =>
  call.then(
    () => 0,
    (error: { response?: { statusCode: number } }) => error.response?.statusCode,
  );

/** Calls the control server. @param request for example `PUT /throttle` @throws Error with status and body if refused */
export async function control({ controlUrl }: IotHubEndpoints, request: string, body?: unknown) {
  const [method = '', path = ''] = request.split(' ');
  const answer = await callControl(controlUrl, method, path, body);
  if (answer.status >= 400) throw new Error(`${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
}

/** A shared access signature of `iothubowner`. @param expiry seconds since 1970 */
export function sign({ connectionString }: IotHubEndpoints, resource: string, expiry: number): string {
  const [, key = ''] = /SharedAccessKey=(.*)$/.exec(connectionString) ?? [];
  return SharedAccessSignature.create(resource, 'iothubowner', key, expiry).toString();
}

export interface RawCall {
  path: string;
  /** Default GET. */
  method?: string;
  body?: string;
  headers?: Record<string, string>;
  /** The query. */
  version?: string;
  /** Default: a valid signature; undefined: no header. */
  authorization?: string | undefined;
}

/** Makes calls beyond the SDK's abilities. */
export function rawCall(
  endpoints: IotHubEndpoints,
  call: RawCall,
): Promise<{ status?: number; headers: IncomingHttpHeaders; body: unknown }> {
  const { path, method = 'GET', body, version = '?api-version=2021-04-12' } = call;
  const valid = sign(endpoints, 'localhost', Math.floor(Date.now() / 1000) + 60);
  const authorization = 'authorization' in call ? call.authorization : valid;
  const headers = { ...call.headers, ...(authorization && { authorization }) };
  const agent = new Agent({ ca: readFileSync(endpoints.caFile) });
  const options = {
    host: 'localhost',
    port: endpoints.httpsPort,
    path: path + version,
    method,
    headers,
    agent,
  };
  return new Promise((resolve, reject) => {
    request(options, async (response) => {
      let text = '';
      for await (const chunk of response) text += chunk;
      resolve({ status: response.statusCode, headers: response.headers, body: text && JSON.parse(text) });
    })
      .on('error', reject)
      .end(body);
  });
}
