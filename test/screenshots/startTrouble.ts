import { randomBytes } from 'node:crypto';
import type { Endpoints } from '../../local/stack/Endpoints.js';
import { control } from '../chaos/system/control.js';

/** The fleets, and the time from the start at which the devices of each fleet boot. */
const fleets = [
  { slug: 'acme/pumps', services: ['cloud-relay', 'main'], devices: 340, afterMs: 0 },
  { slug: 'acme/gateways', services: ['main'], devices: 420, afterMs: 240_000 },
];
const missing = 'telemetry';
/** Every eighth device requests a missing service. */
const every = 8;
/** Requests with a UUID unknown to balena, for each fleet. */
const unknownDevices = 7;

/**
 * Lets two fleets boot in sequence. Some devices cannot be provisioned, because their service is missing.
 *
 * @returns `fix` adds the missing service to the fleets; `stop` ends the requests, before the system is stopped
 */
export async function startTrouble({
  functions,
  balena,
}: Endpoints): Promise<{ fix(): Promise<void>; stop(): Promise<void> }> {
  const url = balena?.controlUrl;
  const booting: Promise<void>[] = [];
  let isOver = false;
  const ask = (uuid: string, service: string) =>
    fetch(`${functions.url}/api/provision`, {
      method: 'POST',
      headers: { 'x-functions-key': functions.provisionKey },
      body: JSON.stringify({ uuid, balena_service: service }),
    });
  for (const { slug, services, devices, afterMs } of fleets) {
    await control(url, 'POST /fleets', { slug, services });
    const added = await control<{ uuid: string }[]>(url, 'POST /devices', { fleet: slug, count: devices });
    const boot = async () => {
      for (const [index, { uuid }] of added.entries())
        if (!isOver) await ask(uuid, index % every === 0 ? missing : 'main');
      for (let each = 0; each < unknownDevices; each += 1)
        if (!isOver) await ask(randomBytes(16).toString('hex'), 'main');
    };
    setTimeout(() => void booting.push(boot()), afterMs);
  }
  return {
    async fix() {
      for (const { slug } of fleets) await control(url, 'POST /fleets', { slug, services: [missing] });
    },
    async stop() {
      isOver = true;
      await Promise.all(booting);
    },
  };
}
