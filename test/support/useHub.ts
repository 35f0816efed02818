import { readFileSync } from 'node:fs';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { startIotHub } from '../../local/simulators/iothub/startIotHub.js';
import type { RequestSummary } from '../../local/simulators/shared/requests.js';
import { openHubRegistry } from '../../src/iothub/registry.js';
import type { IdentityVersion, ThumbprintPair } from '../../src/iothub/types.js';

/**
 * Starts a hub for one test file. This process trusts the certificate of the hub, as with `NODE_EXTRA_CA_CERTS`. Closed by
 * `afterAll`.
 */
export async function useHub() {
  const { endpoints, close } = await startIotHub({ httpsPort: 0, mqttPort: 0, unthrottled: true });
  setDefaultCACertificates([...getCACertificates('bundled'), readFileSync(endpoints.caFile, 'utf8')]);
  const hub = openHubRegistry({ connection: { connectionString: endpoints.connectionString } });
  afterAll(async () => {
    hub.close();
    await close();
  });

  const tell = async (request: string, body?: unknown) => {
    const [method = 'GET', path] = request.split(' ');
    const response = await fetch(endpoints.controlUrl + path, {
      method,
      body: body === undefined ? null : JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(text);
    return text ? JSON.parse(text) : undefined;
  };
  return {
    ...endpoints,
    hub,
    tell,
    /** The thumbprints that the hub holds; `none` without an identity, null for an identity of another kind. */
    async stored(deviceId: string): Promise<ThumbprintPair | 'none' | null> {
      const identity = await hub.get(deviceId, ms);
      return identity === 'none' ? 'none' : identity.thumbprints;
    },
    /** The version of an identity, for an update. @throws Error if the hub has no identity */
    async versionOf(deviceId: string): Promise<IdentityVersion> {
      const identity = await hub.get(deviceId, ms);
      if (identity === 'none') throw new Error(`the hub has no identity ${deviceId}`);
      return identity.version;
    },
    key: /SharedAccessKey=(.*)$/.exec(endpoints.connectionString)?.[1] ?? '',
    /** Counts the requests to the hub since the last call of this function, by `METHOD pattern` and status. */
    async counts(): Promise<RequestSummary['counts']> {
      const { counts } = await tell('GET /requests');
      await tell('DELETE /requests');
      return counts;
    },
  };
}

/** A deadline for calls to the hub that no call misses, also on a busy machine. */
export const ms = 60_000;
export const thumbprints = (a: string, b = a): [string, string] => [a.repeat(64), b.repeat(64)];
