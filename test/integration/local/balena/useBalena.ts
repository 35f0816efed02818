import { type BalenaSDK, getSdk } from 'balena-sdk';
import { type BalenaOptions, startBalena } from '../../../../local/simulators/balena/startBalena.js';
import type { RequestSummary } from '../../../../local/simulators/shared/requests.js';
import { callControl } from '../shared/callControl.js';

/** The unmodified SDK, logged in with a key. */
export async function sdkFor(apiUrl: string, apiKey: string): Promise<BalenaSDK> {
  const sdk = getSdk({ apiUrl, dataDirectory: false });
  await sdk.auth.loginWithToken(apiKey);
  return sdk;
}

/** A simulator for one test file, with a user's SDK and the first device. `afterAll` closes the simulator. */
export async function useBalena(options: BalenaOptions = {}) {
  const events: string[] = [];
  const { endpoints, close } = await startBalena({
    // The SDK finds services by name only, and calls a device with a host OS ambiguous.
    reported: false,
    onEvent: (line) => events.push(line),
    ...options,
  });
  const { apiUrl, apiKey, controlUrl, devices } = endpoints;
  afterAll(close);

  const control = (method: string, path: string, body?: unknown) =>
    callControl(controlUrl, method, path, body);
  return {
    ...endpoints,
    events,
    control,
    device: devices[0]!,
    sdk: await sdkFor(apiUrl, apiKey),
    /** Sends a plain request with this key. */
    request: async (path: string, init: RequestInit = {}, key = apiKey) => {
      const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
      const response = await fetch(new URL(path, apiUrl), { headers, ...init });
      const text = await response.text();
      const json = response.headers.get('content-type')?.includes('json');
      return { status: response.status, headers: response.headers, body: json ? JSON.parse(text) : text };
    },
    /** Counts the requests to the API since the last call, by `METHOD pattern`. */
    async counts(): Promise<RequestSummary['counts']> {
      const { body } = await control('GET', '/requests');
      await control('DELETE', '/requests');
      return body.counts;
    },
    /** Adds a device to the fleet. */
    async newDevice(): Promise<{ uuid: string; apiKey: string }> {
      const { body } = await control('POST', '/devices', {});
      return body[0];
    },
  };
}
