import '../local/requireNode24.js';
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { dirname } from 'node:path';
import { Command } from 'commander';
import { standardCredits } from '../local/simulators/servicebus/engine/Credits.js';
import { wholeNumber } from '../local/simulators/shared/runSimulator.js';
import { burst, recovery } from './scenarios/burst.js';
import { fairness } from './scenarios/fairness.js';
import { fleet } from './scenarios/fleet.js';
import { neighbours } from './scenarios/neighbours.js';
import { ops } from './scenarios/ops.js';
import { scale } from './scenarios/scale.js';
import { start } from './scenarios/start.js';
import { telemetry } from './scenarios/telemetry.js';
import { accept, memory, throughput } from './scenarios/throughput.js';

const all = [
  'accept',
  'throughput',
  'burst',
  'recovery',
  'neighbours',
  'fairness',
  'memory',
  'ops',
  'fleet',
  'telemetry',
  'scale',
  'start',
] as const;
/** The rounds of the part `neighbours`. */
const neighbourRounds = 3;

const options = new Command('npm run bench --')
  .description(
    'Measures the whole system on this machine, with a fresh system for each part. Functions, simulators and the load each run in a process of their own, all on the same cores. Takes about nine minutes.',
  )
  .option('--only <parts>', `parts to measure, comma-separated: ${all.join(', ')}`, all.join(','))
  .option('--devices <number>', 'devices of burst, fleet and (in each mode) telemetry', wholeNumber, 1_000)
  .option('--large', 'also measure a burst of 10,000 devices with one S3 unit (83 a second)')
  .option(
    '--credits <number>',
    'credits of Service Bus for each second, in burst; 0: no limit',
    wholeNumber,
    standardCredits,
  )
  .option('--failed <number>', 'failed requests of ops', wholeNumber, 10_000)
  .option('--requests <number>', 'requests of accept', wholeNumber, 3_000)
  .option('--rounds <number>', 'rounds of telemetry and start', wholeNumber, 4)
  .option('--against <folder>', 'start: a package of another commit, made by its npm run package')
  .option('--json <file>', 'file for the figures', '.local/bench.json')
  .addHelpText('after', '\nExamples:\n  npm run bench\n  npm run bench -- --only burst --devices 500')
  .parse()
  .opts<{
    only: string;
    devices: number;
    large?: boolean;
    credits: number;
    failed: number;
    requests: number;
    rounds: number;
    against?: string;
    json: string;
  }>();

const configuration = {
  machine: `${cpus().length} x ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GB`,
  node: process.version,
  processes: 'broker (on disk), tables, hub, balena, HTTP host, worker, load',
  at: new Date().toISOString(),
};
const figures: Record<string, unknown> = {};
const only = options.only.split(',').map((part) => part.trim());
const unknown = only.filter((part) => !(all as readonly string[]).includes(part));
if (unknown.length > 0) {
  console.error(`Unknown part ${unknown.join(', ')}. Choose from ${all.join(', ')}.`);
  process.exit(1);
}

console.log(configuration);
const shown = { last: 0 };
const progress = (what: string) => (provisioned: number) => {
  if (performance.now() - shown.last < 5_000) return;
  shown.last = performance.now();
  console.error(`${what}: ${provisioned}`);
};
const measure = async (name: string, run: () => Promise<object>) => {
  console.error(`${name} …`);
  const result = await run();
  figures[name] = result;
  console.log(`\n${name}`);
  console.table(result);
};

if (only.includes('accept')) {
  await measure('accept, 50 connections', async () => {
    const { rows, longestBlockMs } = await accept(options.requests);
    figures['longest block of the event loop, ms'] = longestBlockMs;
    return rows;
  });
  console.log(
    `The longest block of the HTTP host's event loop: ${figures['longest block of the event loop, ms']} ms.`,
  );
}
if (only.includes('throughput')) {
  await measure('throughput of one worker, hub unthrottled', () => throughput(options.devices));
}
if (only.includes('burst')) {
  const { devices, credits } = options;
  await measure('burst, S1 x 10', () =>
    burst({ devices, tier: 'S1', units: 10, workers: 1, credits, progress: progress('burst') }),
  );
  if (options.large) {
    await measure('burst, S3 x 1', () =>
      burst({
        devices: 10_000,
        tier: 'S3',
        units: 1,
        workers: 1,
        credits,
        progress: progress('large burst'),
      }),
    );
  }
}
if (only.includes('recovery')) {
  await measure('recovery, balena down for a minute', () => recovery(60_000));
}
if (only.includes('neighbours')) {
  await measure(`noisy neighbours, S1 x 10, ${neighbourRounds} rounds`, () =>
    neighbours(300, neighbourRounds),
  );
}
if (only.includes('fairness')) {
  await measure('fairness, in virtual time', () => fairness((part) => console.error(`fairness: ${part}`)));
}
if (only.includes('telemetry')) {
  await measure('telemetry off and on, by turns', async () => {
    const { rows, bytesPerDevice } = await telemetry(options.devices, options.rounds);
    figures['telemetry, bytes for each device'] = bytesPerDevice;
    return rows;
  });
  console.log(`A worker sends for each device: ${figures['telemetry, bytes for each device']} bytes.`);
}
if (only.includes('start')) {
  await measure('start of a worker process', () => start(options.against ?? null, options.rounds));
}
if (only.includes('ops')) {
  await measure(`ops, ${options.failed} failed requests`, () => ops(options.failed, progress('ops')));
}
if (only.includes('scale'))
  await measure('costs by the number of records', () => scale([1_000, 10_000, 100_000]));
if (only.includes('memory')) await measure('memory', () => memory(10_000));

if (only.includes('fleet')) {
  const { devices } = options;
  await measure(`fleet of ${devices}, S3 x 1`, () =>
    fleet({ devices, tier: 'S3', units: 1, progress: progress('fleet') }),
  );
}

await mkdir(dirname(options.json), { recursive: true });
await writeFile(options.json, `${JSON.stringify({ configuration, figures }, null, 2)}\n`);
console.log(`\nWritten to ${options.json}.`);
process.exit(0);
