import type { BalenaAccess } from './readVariables.js';

/** The report of a device with balenaOS. */
const report = { os_version: 'balenaOS 6.0.24', os_variant: 'prod', supervisor_version: '16.4.6' };

/**
 * Reports the versions of OS and supervisor to balena, as the supervisor of a device does. From the first report on, the
 * device also has installs of the services of the host OS and of the supervisor.
 *
 * @param access the API key must be the device's own key
 * @throws Error if balena refuses a request
 */
export async function reportOs({ apiUrl, apiKey }: BalenaAccess): Promise<void> {
  const request = async (path: string, init: RequestInit = {}) => {
    const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' };
    const response = await fetch(new URL(path, apiUrl), { ...init, headers });
    if (!response.ok) throw new Error(`balena refuses the report of the OS (${response.status})`);
    return response;
  };
  const { actorTypeId } = (await (await request('actor/v1/whoami')).json()) as { actorTypeId: number };
  await request(`v7/device(${actorTypeId})`, { method: 'PATCH', body: JSON.stringify(report) });
}
