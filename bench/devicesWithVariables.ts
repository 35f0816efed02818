import { getSdk } from 'balena-sdk';
import type { BalenaEndpoints } from '../local/simulators/balena/startBalena.js';

/** UUIDs of the devices that have both variables at a service: one request for all. */
export async function devicesWithVariables({ apiUrl, apiKey }: BalenaEndpoints): Promise<string[]> {
  const sdk = getSdk({ apiUrl, dataDirectory: false });
  await sdk.auth.loginWithToken(apiKey);
  const has = (name: string) =>
    `service_install/any(i:i/device_service_environment_variable/any(v:v/name eq '${name}'))`;
  const rows = await sdk.pine.get({
    resource: 'device',
    options: { $select: ['uuid'], $filter: { $raw: `${has('AZURE_CERT')} and ${has('AZURE_PRIVATE_KEY')}` } },
  } as never);
  return (rows as unknown as { uuid: string }[]).map(({ uuid }) => uuid);
}
