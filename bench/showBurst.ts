import '../local/requireNode24.js';
import { setTimeout } from 'node:timers/promises';
import cliProgress from 'cli-progress';
import { Command, Option } from 'commander';
import { wholeNumber } from '../local/simulators/shared/runSimulator.js';
import type { DeviceRecord } from '../src/device/record.js';
import { type State, stateOf } from '../src/device/state.js';
import { operationsPerMinute, type Tier } from '../src/iothub/quotas.js';
import { state as states } from '../src/shared/schemas.js';
import { openTable } from '../src/storage/table.js';
import { quietStack } from './harness.js';
import { startRelays } from './relays.js';

const { devices, tier, units, workers } = new Command('npm run burst --')
  .description(
    'Shows the boot of a fleet on a fresh system: all devices request credentials at once and, like Cloud Relay, repeat the request until provisioned.',
  )
  .option('--devices <number>', 'number of devices', wholeNumber, 500)
  .addOption(new Option('--tier <tier>', 'tier of the hub').choices(['S1', 'S2', 'S3']).default('S1'))
  .option(
    '--units <number>',
    'units of the hub: 100 registry operations a minute each, 5,000 on S3',
    wholeNumber,
    10,
  )
  .option('--workers <number>', 'number of worker processes', wholeNumber, 1)
  .addHelpText('after', '\nExample:\n  npm run burst -- --devices 2000 --tier S3 --units 1')
  .parse()
  .opts<{ devices: number; tier: Tier; units: number; workers: number }>();

const perMinute = operationsPerMinute(tier, units);
console.log(
  `${devices} devices boot at once. The hub (${tier} x ${units}) registers ${perMinute} a minute: ${Math.ceil((devices / perMinute) * 60)} s at the best.\nStarting a system …`,
);
const stack = await quietStack({
  devices,
  hub: ['--tier', tier, '--units', String(units)],
  settings: { ...process.env, IOTHUB_TIER: tier, IOTHUB_UNITS: String(units) },
  hosts: ['http', ...Array.from({ length: workers }, () => 'worker' as const)],
});
const controller = new AbortController();
process.on('SIGINT', () => controller.abort());

try {
  const { functions, balena, tables } = stack.endpoints;
  if (!balena || !tables) throw new Error('the burst needs the simulators: unset BALENA_… and RECORDS_…');
  const records = openTable<DeviceRecord>({ connection: tables, name: 'devices' });
  const url = `${functions.url}/api/provision?code=${functions.provisionKey}`;
  const provisioned = new Set<string>();
  const bar = new cliProgress.SingleBar({
    format:
      '{bar} {value}/{total} provisioned | waiting {waiting} | retrying {retrying} | failed {failed} | {rate}/s of {limit}/s | {left} s left | {requested} requests',
    hideCursor: true,
    // A log cannot redraw a line: print a new line now and then.
    noTTYOutput: true,
    notTTYSchedule: 5_000,
  });
  const limit = Math.round((perMinute / 60) * 10) / 10;
  bar.start(devices, 0, {
    waiting: 0,
    retrying: 0,
    failed: 0,
    rate: 0,
    limit,
    left: Math.ceil(devices / limit),
    requested: 0,
  });

  const started = performance.now();
  const uuids = balena.devices.map(({ uuid }) => uuid);
  const relays = startRelays(url, uuids, (uuid) => provisioned.has(uuid));
  const { tally } = relays;
  let done = 0;
  let before = { at: started, count: 0 };
  while (done < devices && !controller.signal.aborted) {
    await setTimeout(1_000, undefined, { signal: controller.signal }).catch(() => {});
    const counts = await countStates(records, provisioned);
    const now = performance.now();
    const rate = Math.round(((counts.provisioned - before.count) / (now - before.at)) * 10_000) / 10;
    before = { at: now, count: counts.provisioned };
    done = counts.provisioned + counts.failed;
    bar.update(counts.provisioned, {
      waiting: counts.queued + counts.working,
      retrying: counts.retrying,
      failed: counts.failed,
      rate,
      left: Math.ceil((devices - done) / limit),
      requested: tally.requested,
    });
  }
  bar.stop();
  relays.stop();
  const seconds = Math.round((performance.now() - started) / 100) / 10;
  console.log(
    `${provisioned.size} of ${devices} provisioned after ${seconds} s; ${tally.requested} requests, answered ${JSON.stringify(tally.byStatus)}.`,
  );
} finally {
  await stack.close();
}
process.exit(0);

async function countStates(
  table: ReturnType<typeof openTable<DeviceRecord>>,
  provisioned: Set<string>,
): Promise<Record<State, number>> {
  const counts = Object.fromEntries(states.options.map((state) => [state, 0])) as Record<State, number>;
  for await (const record of table.list()) {
    const state = stateOf(record, Date.now());
    counts[state] += 1;
    if (state === 'provisioned') provisioned.add(record.uuid);
  }
  return counts;
}
