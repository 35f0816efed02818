import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { assemblePackage, sizeOf } from '../../local/package/assemblePackage.js';
import { forkWorker } from '../../local/simulators/functions-host/worker/forkWorker.js';
import { projectFolder } from '../../local/stack/projectFolder.js';
import { percentiles, residentMb } from '../harness.js';

/** Settings with which the functions start. Nothing listens there: a start makes no request. */
const settings = {
  BALENA_API_KEY: 'k'.repeat(32),
  IOTHUB_CONNECTION_STRING: 'HostName=hub.invalid;SharedAccessKeyName=n;SharedAccessKey=c2VjcmV0',
  SERVICEBUS_CONNECTION: 'Endpoint=sb://bus.invalid/;SharedAccessKeyName=n;SharedAccessKey=c2VjcmV0',
  RECORDS_CONNECTION:
    'DefaultEndpointsProtocol=https;AccountName=account;AccountKey=c2VjcmV0;EndpointSuffix=core.invalid',
};
/** Starts the SDK of OpenTelemetry and Microsoft's exporter, as in Azure. */
const telemetry = {
  APPLICATIONINSIGHTS_CONNECTION_STRING:
    'InstrumentationKey=00000000-0000-4000-8000-000000000000;IngestionEndpoint=https://ingestion.invalid/',
};

const idleMs = 1_000;

interface Start {
  cpuMs: number;
  wallMs: number;
  idleMb: number;
}

/**
 * Measures the start of a worker process, from the fork to the registered functions. The median of each figure is shown.
 *
 * @param against a package to compare with, for example one that an earlier commit has made; null: the unbundled build of this commit
 * @param rounds starts of each kind, by turns
 */
export async function start(against: string | null, rounds: number): Promise<Record<string, object>> {
  const made = await mkdtemp(join(tmpdir(), 'bench-'));
  try {
    const bundled = join(made, 'package');
    await assemblePackage(projectFolder(), bundled);
    const empty = await emptyApp(join(made, 'empty'));
    const before = against ?? projectFolder();
    const kinds = [
      { name: 'a worker without functions', folder: empty, env: {} },
      { name: `before: ${against ?? 'the sources, unbundled'}`, folder: before, env: settings },
      { name: 'package', folder: bundled, env: settings },
      { name: 'before, with telemetry', folder: before, env: { ...settings, ...telemetry } },
      { name: 'package, with telemetry', folder: bundled, env: { ...settings, ...telemetry } },
    ].map((kind) => ({ ...kind, starts: [] as Start[] }));
    for (let round = 0; round < rounds; round += 1)
      for (const { folder, env, starts } of kinds) starts.push(await startOnce(folder, env));
    const rows = kinds.map(async ({ name, folder, starts }) => {
      const median = (figure: keyof Start) =>
        percentiles(
          starts.map((each) => each[figure]),
          0.5,
        )[0];
      // The project folder has everything for development, too: its size says nothing.
      const size = folder === projectFolder() ? null : await sizeOf(folder);
      return [
        name,
        {
          'CPU ms': median('cpuMs'),
          'duration ms': median('wallMs'),
          'idle MB': median('idleMb'),
          files: size?.files ?? '',
          'size MB': size ? Math.round(size.bytes / 1e5) / 10 : '',
        },
      ] as const;
    });
    return Object.fromEntries(await Promise.all(rows));
  } finally {
    await rm(made, { recursive: true });
  }
}

async function emptyApp(folder: string): Promise<string> {
  await mkdir(folder);
  await writeFile(join(folder, 'package.json'), '{"type": "module", "main": "main.js"}');
  await writeFile(join(folder, 'main.js'), '');
  return folder;
}

async function startOnce(folder: string, env: Record<string, string>): Promise<Start> {
  const began = performance.now();
  const worker = forkWorker({
    folder,
    env: { ...process.env, ...env },
    functionsUri: 'http://127.0.0.1:1/',
    functionTimeoutMs: null,
    onEvent: () => {},
  });
  await worker.loaded;
  const wallMs = performance.now() - began;
  const cpuMs = await cpuMsOf(worker.pid);
  await delay(idleMs);
  const idleMb = await residentMb(worker.pid);
  worker.kill();
  await worker.ended;
  return { cpuMs, wallMs, idleMb };
}

/** The CPU time of all threads of a process, ms. Elsewhere than on Linux, 0. */
async function cpuMsOf(pid: number | undefined): Promise<number> {
  try {
    const threads = await readdir(`/proc/${pid}/task`);
    const times = await Promise.all(
      threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').catch(() => '0')),
    );
    return times.reduce((sum, text) => sum + Number(text.split(' ')[0]) / 1e6, 0);
  } catch {
    return 0;
  }
}
