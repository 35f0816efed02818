import { createHmac } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { request } from 'node:https';
import type { IotHubEndpoints } from '../../../local/simulators/iothub/startIotHub.js';
import type { HubIdentity } from '../check/Evidence.js';

interface ListedDevice {
  deviceId: string;
  status: string;
  authentication?: { x509Thumbprint?: { primaryThumbprint?: string; secondaryThumbprint?: string } };
}

/** The first 1,000 identities of the hub by device id, with one registry operation. */
export async function readHub(endpoints: IotHubEndpoints): Promise<Map<string, HubIdentity>> {
  const ca = await readFile(endpoints.caFile, 'utf8');
  const text = await new Promise<string>((resolve, reject) => {
    const requested = request(
      {
        host: 'localhost',
        port: endpoints.httpsPort,
        path: '/devices/?top=1000&api-version=2021-04-12',
        headers: { authorization: token(endpoints.connectionString) },
        ca,
        timeout: 60_000,
        agent: false,
      },
      async (response) => {
        const body = Buffer.concat(await response.toArray()).toString();
        if (response.statusCode === 200) resolve(body);
        else reject(new Error(`the hub answered ${response.statusCode} ${body}`));
      },
    );
    requested.on('timeout', () => requested.destroy(new Error('the hub does not answer')));
    requested.on('error', reject);
    requested.end();
  });
  return new Map((JSON.parse(text) as ListedDevice[]).map((device) => [device.deviceId, identityOf(device)]));
}

function identityOf({ status, authentication }: ListedDevice): HubIdentity {
  const { primaryThumbprint, secondaryThumbprint } = authentication?.x509Thumbprint ?? {};
  const thumbprints = [primaryThumbprint, secondaryThumbprint].flatMap((one) =>
    one ? [one.toUpperCase()] : [],
  );
  return { enabled: status === 'enabled', thumbprints };
}

function token(connectionString: string): string {
  const { HostName, SharedAccessKeyName, SharedAccessKey } = Object.fromEntries(
    connectionString
      .split(';')
      .map((part) => [part.slice(0, part.indexOf('=')), part.slice(part.indexOf('=') + 1)]),
  );
  const resource = encodeURIComponent(String(HostName).replace(/:\d+$/, ''));
  const expires = Math.floor(Date.now() / 1_000) + 600;
  const signature = createHmac('sha256', Buffer.from(String(SharedAccessKey), 'base64'))
    .update(`${resource}\n${expires}`)
    .digest('base64');
  return `SharedAccessSignature sr=${resource}&sig=${encodeURIComponent(signature)}&skn=${SharedAccessKeyName}&se=${expires}`;
}
