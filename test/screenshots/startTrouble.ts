import { randomBytes } from 'node:crypto';
import type { Endpoints } from '../../local/stack/Endpoints.js';
import { control } from '../chaos/system/control.js';

/** What is asked for, and when. */
const fleets = [
  { slug: 'acme/pumps', services: ['cloud-relay', 'main'], devices: 340, afterMs: 0 },
  { slug: 'acme/gateways', services: ['main'], devices: 420, afterMs: 240_000 },
];
const missing = 'telemetry';
/** Of each fleet, every so many devices ask for the missing service. */
const every = 8;
const madeUp = 7;

/** Two fleets boot, one after the other; some of their devices cannot be provisioned. */
export async function startTrouble({ functions, balena }: Endpoints): Promise<{ fix(): Promise<void> }> {
  const url = balena?.controlUrl;
  const ask = (uuid: string, service: string) =>
    fetch(`${functions.url}/api/provision`, {
      method: 'POST',
      headers: { 'x-functions-key': functions.provisionKey },
      body: JSON.stringify({ uuid, balena_service: service }),
    });
  for (const { slug, services, devices, afterMs } of fleets) {
    await control(url, 'POST /fleets', { slug, services });
    const added = await control<{ uuid: string }[]>(url, 'POST /devices', { fleet: slug, count: devices });
    setTimeout(async () => {
      for (const [index, { uuid }] of added.entries())
        await ask(uuid, index % every === 0 ? missing : 'main');
      for (let each = 0; each < madeUp; each += 1) await ask(randomBytes(16).toString('hex'), 'main');
    }, afterMs);
  }
  return {
    async fix() {
      for (const { slug } of fleets) await control(url, 'POST /fleets', { slug, services: [missing] });
    },
  };
}
