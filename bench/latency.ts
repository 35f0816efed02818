import '../local/requireNode24.js';
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { Command } from 'commander';
import { wholeNumber } from '../local/simulators/shared/runSimulator.js';
import { startStack } from '../local/stack/startStack.js';

const { devices, pause } = new Command('npm run bench:latency --')
  .description(
    'Measures the wait of one device on an idle system, from the POST until the state "provisioned".',
  )
  .option('--devices <number>', 'number of devices, one after the other', wholeNumber, 30)
  .option(
    '--pause <ms>',
    'pause before each device, for the rate limit of the hub (S1 x 1: one operation every 600 ms)',
    wholeNumber,
    1_000,
  )
  .parse()
  .opts<{ devices: number; pause: number }>();

const folder = await mkdtemp(join(tmpdir(), 'bench-'));
const lines: string[] = [];
const stack = await startStack({
  folder,
  freePorts: true,
  devices: devices + 1,
  // The lines are kept for an error message and not printed: the bench prints only figures.
  onLine: (name, line) => lines.push(`${name} ${line}`),
});
try {
  const { functions, balena } = stack.endpoints;
  const headers = { 'x-functions-key': functions.provisionKey, 'content-type': 'application/json' };
  const measure = async (uuid: string): Promise<{ accepted: number; provisioned: number }> => {
    const started = performance.now();
    const body = JSON.stringify({ uuid, balena_service: 'main' });
    const response = await fetch(`${functions.url}/api/provision`, { method: 'POST', headers, body });
    if (response.status !== 202) throw new Error(`POST answered ${response.status}`);
    const accepted = performance.now() - started;
    for (;;) {
      const state = await fetch(`${functions.url}/api/provision/${uuid}`, { headers });
      if (((await state.json()) as { state: string }).state === 'provisioned') break;
      if (performance.now() - started > 60_000)
        throw new Error(`not provisioned after a minute:\n${lines.slice(-20).join('\n')}`);
      await setTimeout(5);
    }
    return { accepted, provisioned: performance.now() - started };
  };

  const uuids = balena?.devices.map(({ uuid }) => uuid) ?? [];
  // The first device pays for connections and for code that is compiled on first use.
  const first = await measure(uuids[0] ?? '');
  const runs: Awaited<ReturnType<typeof measure>>[] = [];
  for (const uuid of uuids.slice(1)) {
    await setTimeout(pause);
    runs.push(await measure(uuid));
  }
  const row = (what: string, values: number[]) => {
    const sorted = values.toSorted((a, b) => a - b);
    const at = (part: number) =>
      Math.round(sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0);
    return { what, 'p50 ms': at(0.5), 'p95 ms': at(0.95), 'max ms': at(1) };
  };
  console.log(
    `${devices} devices, one every ${pause} ms; functions, broker (on disk), tables, hub (S1 x 1) and balena in a process each; ` +
      `Node ${process.version}, ${cpus().length} x ${cpus()[0]?.model}`,
  );
  console.table([
    row(
      'POST to 202',
      runs.map(({ accepted }) => accepted),
    ),
    row(
      'POST to provisioned',
      runs.map(({ provisioned }) => provisioned),
    ),
  ]);
  console.log(`The first device after the start: ${Math.round(first.provisioned)} ms.`);
} finally {
  await stack.close();
  await rm(folder, { recursive: true });
}
process.exit(0);
