import { setTimeout } from 'node:timers/promises';
import type { CreditCounts } from '../../local/simulators/servicebus/engine/Credits.js';
import { operationsPerMinute, type Tier } from '../../src/iothub/quotas.js';
import { followProvisioned, type QuietStack, quietStack, residentMb } from '../harness.js';
import { startRelays } from '../relays.js';

export interface BurstOptions {
  devices: number;
  tier: Tier;
  units: number;
  /** Number of workers beside one HTTP host; 0: one host with everything. */
  workers: number;
  /** Credits of Service Bus for each second; default: as in the standard tier. */
  credits?: number;
  /** Called about twice a second with the number of provisioned devices. */
  progress(provisioned: number): void;
  /** Called once, `afterMs` after the start of the burst, to break something. */
  disturb?: { afterMs: number; act(stack: QuietStack): Promise<void> };
}

export interface BurstFigures {
  devices: number;
  'hub allows/min': number;
  'bound s': number;
  'elapsed s': number;
  'of the bound %': number;
  'registry operations': number;
  'wasted %': number;
  '429s': number;
  'deliveries/device': number;
  'dead letters': number;
  requested: number;
  /** The number of requests by the status of their answer; none: without an answer. */
  answers: string;
  /** Credits of Service Bus. A message that is sent or delivered costs one. */
  'credits/device': number;
  'refused as busy': number;
  'busy seconds': number;
  'not provisioned': number;
  'host MB at its peak': number;
}

/**
 * Simulates a burst: all devices request credentials at once, and repeat the request like Cloud Relay until
 * provisioned.
 */
export async function burst(options: BurstOptions): Promise<BurstFigures> {
  const { devices, tier, units, workers } = options;
  const stack = await quietStack({
    devices,
    hub: ['--tier', tier, '--units', String(units)],
    ...(options.credits !== undefined && { credits: options.credits }),
    settings: { ...process.env, IOTHUB_TIER: tier, IOTHUB_UNITS: String(units) },
    hosts: workers === 0 ? ['all'] : ['http', ...Array.from({ length: workers }, () => 'worker' as const)],
  });
  try {
    return await run(stack, options);
  } finally {
    await stack.close();
  }
}

async function run(
  stack: QuietStack,
  { devices, tier, units, progress, disturb }: BurstOptions,
): Promise<BurstFigures> {
  const { functions, balena, iotHub, serviceBus } = stack.endpoints;
  if (!balena || !iotHub || !serviceBus)
    throw new Error('the measurement needs the simulators: unset BALENA_…, IOTHUB_… and SERVICEBUS_…');
  const perMinute = operationsPerMinute(tier, units);
  const boundMs = (devices / perMinute) * 60_000;
  const url = `${functions.url}/api/provision?code=${functions.provisionKey}`;
  const look = followProvisioned(balena);
  const provisioned = await look();

  const started = performance.now();
  const uuids = balena.devices.map(({ uuid }) => uuid);
  const relays = startRelays(url, uuids, (uuid) => provisioned.has(uuid));
  if (disturb) setTimeout(disturb.afterMs, undefined, { ref: false }).then(() => disturb.act(stack));
  let elapsed = 0;
  let peakMb = 0;
  // The limit is three times the bound plus two minutes. A longer burst is stuck, and the figures show the missing
  // devices.
  while (provisioned.size < devices && elapsed < boundMs * 3 + 120_000) {
    await setTimeout(500);
    await look();
    elapsed = performance.now() - started;
    peakMb = Math.max(
      peakMb,
      ...(await Promise.all(stack.hosts.map(({ process }) => residentMb(process.pid)))),
    );
    progress(provisioned.size);
  }
  relays.stop();
  const { tally } = relays;

  const answer = await fetch(`${iotHub.controlUrl}/throttle`);
  const throttle = (await answer.json()) as { operations: number; refused: Record<string, number> };
  const refused = Object.values(throttle.refused).reduce((sum, count) => sum + count, 0);
  const credits = await creditsOf(serviceBus.controlUrl);
  const round = (value: number) => Math.round(value * 10) / 10;
  return {
    devices,
    'hub allows/min': perMinute,
    'bound s': round(boundMs / 1_000),
    'elapsed s': round(elapsed / 1_000),
    'of the bound %': round((boundMs / elapsed) * 100),
    'registry operations': throttle.operations,
    'wasted %': round(((throttle.operations - devices) / devices) * 100),
    '429s': refused,
    'deliveries/device': round(stack.deliveries() / devices),
    'dead letters': stack.deadLetters(),
    requested: tally.requested,
    answers: Object.entries(tally.byStatus)
      .map(([status, count]) => `${status === '0' ? 'none' : status}: ${count}`)
      .join(', '),
    'credits/device': round(credits.used / devices),
    'refused as busy': credits.refused,
    'busy seconds': credits.busySeconds,
    'not provisioned': devices - provisioned.size,
    'host MB at its peak': peakMb,
  };
}

async function creditsOf(controlUrl: string | undefined): Promise<CreditCounts> {
  const answer = await fetch(`${controlUrl}/credits`);
  return (await answer.json()) as CreditCounts;
}

/** The rate counts as full when, over this time, nine tenths of the hub's rate are reached. */
const windowMs = 3_000;

/**
 * Stops balena in the middle of a burst, and measures the time from balena's return until the backlog flows at the
 * full rate again.
 */
export async function recovery(
  downMs: number,
): Promise<{ 'down s': number; 'full rate after s': number; 'not provisioned': number }> {
  const perSecond = 1_000 / 60;
  const downAfterMs = 10_000;
  const samples: { at: number; provisioned: number }[] = [];
  let backAt = Number.POSITIVE_INFINITY;
  const figures = await burst({
    // Enough devices for a backlog before, during and after the outage.
    devices: Math.round((downAfterMs + 60_000) / 1_000 + downMs / 1_000) * Math.round(perSecond),
    tier: 'S1',
    units: 10,
    workers: 1,
    progress: (provisioned) => samples.push({ at: performance.now(), provisioned }),
    disturb: {
      afterMs: downAfterMs,
      async act({ endpoints }) {
        const faults = `${endpoints.balena?.controlUrl}/faults`;
        const headers = { 'content-type': 'application/json' };
        await fetch(faults, { method: 'PUT', headers, body: JSON.stringify([{ status: 503 }]) });
        await setTimeout(downMs);
        await fetch(faults, { method: 'DELETE' });
        backAt = performance.now();
      },
    },
  });
  const full = samples.find(({ at, provisioned }) => {
    const before = samples.findLast((other) => other.at <= at - windowMs);
    if (!before || before.at < backAt) return false;
    return (provisioned - before.provisioned) / ((at - before.at) / 1_000) >= 0.9 * perSecond;
  });
  return {
    'down s': downMs / 1_000,
    // The full rate began at the start of the window.
    'full rate after s': full ? Math.round((full.at - windowMs - backAt) / 100) / 10 : Number.NaN,
    'not provisioned': figures['not provisioned'],
  };
}
