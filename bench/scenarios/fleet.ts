import { audit } from '../../cli/fleet/audit.js';
import { followFleet } from '../../cli/fleet/follow.js';
import { repair } from '../../cli/fleet/repair.js';
import type { RequestSummary } from '../../local/simulators/shared/requests.js';
import { pendingWork } from '../../src/device/state.js';
import { planFleet, requestFleet } from '../../src/fleet/request.js';
import { planSweep, sweep } from '../../src/fleet/sweep.js';
import type { Tier } from '../../src/iothub/quotas.js';
import { openAppOf, quietStack } from '../harness.js';

export interface FleetOptions {
  devices: number;
  tier: Tier;
  units: number;
  progress(provisioned: number): void;
}

export interface FleetFigures {
  what: string;
  /** Devices requested, checked by a worker, or found broken. */
  found: number;
  seconds: number;
  'devices/s': number;
  /** Requests of all processes. */
  'balena requests': number;
  'hub queries': number;
  'registry operations': number;
  /** Deliveries of messages to the worker. */
  deliveries: number;
  'MB at its peak': number;
}

/** One device in this number is broken, for the steps that find and repair broken devices. */
const oneIn = 100;

/** Requests, sweeps and audits a whole fleet. A separate process does the work, beside one HTTP host and one worker. */
export async function fleet(options: FleetOptions): Promise<FleetFigures[]> {
  const { devices, tier, units } = options;
  const settings = { IOTHUB_TIER: tier, IOTHUB_UNITS: String(units) };
  const stack = await quietStack({
    devices,
    hub: ['--tier', tier, '--units', String(units)],
    settings: { ...process.env, ...settings, RENEW_SCHEDULE: 'off' },
    hosts: ['http'],
  });
  const app = openAppOf(stack.endpoints, settings);
  const { balena, iotHub } = stack.endpoints;
  if (!balena || !iotHub) throw new Error('the measurement needs the simulators');
  const rows: FleetFigures[] = [];

  async function measure(what: string, run: () => Promise<number>): Promise<void> {
    const requests = async (url: string): Promise<RequestSummary> => (await fetch(`${url}/requests`)).json();
    for (const { controlUrl } of [balena!, iotHub!])
      await fetch(`${controlUrl}/requests`, { method: 'DELETE' });
    let peak = process.memoryUsage.rss();
    const sampling = setInterval(() => {
      peak = Math.max(peak, process.memoryUsage.rss());
    }, 50);
    const delivered = stack.deliveries();
    const started = performance.now();
    const found = await run();
    const seconds = (performance.now() - started) / 1_000;
    clearInterval(sampling);
    const hub = await requests(iotHub!.controlUrl);
    const queries = Object.values(hub.counts['POST /devices/query'] ?? {}).reduce((sum, n) => sum + n, 0);
    rows.push({
      what,
      found,
      seconds: Math.round(seconds * 10) / 10,
      'devices/s': Math.round(devices / seconds),
      'balena requests': (await requests(balena!.controlUrl)).total,
      'hub queries': queries,
      'registry operations': hub.total - queries,
      deliveries: stack.deliveries() - delivered,
      'MB at its peak': Math.round(peak / 2 ** 20),
    });
  }
  const count = async (items: AsyncIterable<unknown>) => {
    let found = 0;
    for await (const _ of items) found += 1;
    return found;
  };

  try {
    const { fleet: slug } = balena;
    const requesting = { fleet: slug, service: 'main' };
    const sweeping = { fleets: [slug], service: 'main', settleMs: 0 };
    const auditing = { ...sweeping, renewAt: 0.8 };
    const uuids = balena.devices.map(({ uuid }) => uuid);
    const follow = () =>
      followFleet(app, uuids, { onProgress: ({ states }) => options.progress(states.provisioned) });

    await measure('fleet, plan', () => count(planFleet(app, requesting)));
    await measure('fleet, requested', async () => (await requestFleet(app, requesting)).requested);
    await stack.startHost('worker');
    await measure('fleet, followed until provisioned', async () => (await follow()).states.provisioned);
    await measure(
      'fleet, requested again',
      async () => (await requestFleet(app, requesting)).alreadyProvisioned,
    );
    await measure('sweep, all in order', async () => await count(planSweep(app, sweeping)));
    await measure('audit, all in order', () => count(audit(app, auditing)));

    const broken = uuids.filter((_, i) => i % oneIn === 0);
    const variables = { AZURE_CERT: null, AZURE_PRIVATE_KEY: null };
    const breakAll = async () => {
      for (const uuid of broken) {
        const body = JSON.stringify({ service: 'main', variables });
        await fetch(`${balena.controlUrl}/devices/${uuid}/variables`, { method: 'PUT', body });
      }
    };
    const repaired = () => followChecks(app, broken);
    await breakAll();
    await measure(`sweep, 1 in ${oneIn} has lost its variables`, async () => {
      return (await sweep(app, sweeping)).checked['variables-missing'];
    });
    await measure('until all are repaired', repaired);
    await breakAll();
    await measure(`audit and repair of as many`, async () => {
      let found = 0;
      for await (const finding of audit(app, auditing)) {
        found += 1;
        await repair(app, finding);
      }
      return found;
    });
    await measure('until all are repaired, again', repaired);
    return rows;
  } finally {
    await app.close();
    await stack.close();
  }
}

/** Waits until no job and no check of these devices is pending. @returns the number of provisioned devices */
async function followChecks(
  { records, clock }: ReturnType<typeof openAppOf>,
  uuids: string[],
): Promise<number> {
  for (;;) {
    const found = await Promise.all(uuids.map(async (uuid) => (await records.read(uuid))?.value));
    if (found.every((record) => !record || !pendingWork(record)))
      return found.filter((record) => record?.observed.thumbprint).length;
    await clock.sleep(200);
  }
}
