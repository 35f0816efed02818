import { setTimeout } from 'node:timers/promises';
import type { BalenaEndpoints } from '../../local/simulators/balena/startBalena.js';
import { operationsPerMinute } from '../../src/iothub/quotas.js';
import { followProvisioned, load, postProvision, type QuietStack, quietStack } from '../harness.js';

export interface NeighbourFigures {
  what: string;
  'healthy devices': number;
  /** From the first request to the last provisioned healthy device, in each round. */
  rounds: string;
  /** The fastest round: other work on the machine only makes a round slower. */
  seconds: number;
  'longer than alone %': number;
  /** Circuits that opened, in all rounds. */
  'opened circuits': number;
}

const size = { tier: 'S1', units: 10 } as const;
const unwritable = 12;
const fleet = 'local/unwritable';

/**
 * Noisy neighbours: healthy devices boot alone, and then beside a fleet that our key may not write, and beside a device whose writes
 * always get a 500. Each measurement has a fresh system. The hub's limit bounds the rate, as in production.
 *
 * @param healthy the number of healthy devices
 * @param rounds the number of measurements of each kind, by turns
 * @throws Error if a measurement takes three times as long as the hub's limit demands, and a minute more
 */
export async function neighbours(healthy: number, rounds: number): Promise<NeighbourFigures[]> {
  const kinds = ['alone', `beside ${unwritable} unwritable devices, and one device with a permanent 500`];
  const measured = kinds.map((what) => ({ what, seconds: [] as number[], circuits: 0 }));
  for (let round = 0; round < rounds; round += 1) {
    for (const [kind, row] of measured.entries()) {
      const { seconds, circuits } = await measure(healthy, kind === 1);
      row.seconds.push(seconds);
      row.circuits += circuits;
    }
  }
  const fastest = (values: readonly number[]) => Math.min(...values);
  const alone = fastest(measured[0]?.seconds ?? []);
  return measured.map(({ what, seconds, circuits }) => ({
    what,
    'healthy devices': healthy,
    rounds: seconds.map(round1).join(', '),
    seconds: round1(fastest(seconds)),
    'longer than alone %': round1((fastest(seconds) / alone - 1) * 100),
    'opened circuits': circuits,
  }));
}

async function measure(healthy: number, beside: boolean): Promise<{ seconds: number; circuits: number }> {
  const { tier, units } = size;
  const stack = await quietStack({
    devices: healthy,
    hub: ['--tier', tier, '--units', String(units)],
    settings: { ...process.env, IOTHUB_TIER: tier, IOTHUB_UNITS: String(units) },
    hosts: ['http', 'worker'],
  });
  try {
    const { balena, functions } = stack.endpoints;
    if (!balena) throw new Error('the measurement needs the simulators: unset BALENA_…');
    const healthyUuids = balena.devices.map(({ uuid }) => uuid);
    // The simulators are set up in the same way in both measurements. The neighbours only make no requests if the healthy devices are alone.
    const noisy = await addNeighbours(balena);
    const uuids = beside ? [...noisy, ...healthyUuids] : healthyUuids;
    const started = performance.now();
    await load(uuids.length, 50, (i) => postProvision(functions.url, functions.provisionKey, uuids[i] ?? ''));
    await untilProvisioned(stack, balena, new Set(healthyUuids));
    return { seconds: (performance.now() - started) / 1_000, circuits: stack.openedCircuits() };
  } finally {
    await stack.close();
  }
}

/** Adds the fleet without a right to write, and the device with the permanent 500. @returns their uuids */
async function addNeighbours({ controlUrl, apiKey, fleet: demo }: BalenaEndpoints): Promise<string[]> {
  const tell = async <R>(method: string, path: string, body: unknown): Promise<R> => {
    const response = await fetch(controlUrl + path, { method, body: JSON.stringify(body) });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${text}`);
    return (text === '' ? undefined : JSON.parse(text)) as R;
  };
  await tell('POST', '/fleets', { slug: fleet, services: ['main'] });
  const refused = await tell<{ uuid: string }[]>('POST', '/devices', { fleet, count: unwritable });
  const [sick] = await tell<{ uuid: string }[]>('POST', '/devices', { fleet: demo, count: 1 });
  await tell('PUT', `/keys/${apiKey}`, { reads: [demo, fleet], writes: [demo] });
  await tell('POST', '/faults', { subject: sick?.uuid, method: 'POST', status: 500 });
  return [...refused.map(({ uuid }) => uuid), sick?.uuid ?? ''];
}

async function untilProvisioned(stack: QuietStack, balena: BalenaEndpoints, waiting: Set<string>) {
  const boundMs = (waiting.size / operationsPerMinute(size.tier, size.units)) * 60_000;
  const provisioned = followProvisioned(balena);
  const started = performance.now();
  while (waiting.size > 0) {
    if (performance.now() - started > 3 * boundMs + 60_000)
      throw new Error(`${waiting.size} healthy devices are not provisioned:\n${stack.tail()}`);
    await setTimeout(500);
    for (const uuid of await provisioned()) waiting.delete(uuid);
  }
}

function round1(value: number): number {
  return Math.round(value * 10) / 10;
}
