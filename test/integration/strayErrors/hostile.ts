import { type AddressInfo, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { seededRandom } from '../../../local/simulators/shared/faults.js';
import { openBalenaClient } from '../../../src/balena/client.js';
import type { DeviceRecord } from '../../../src/device/record.js';
import { sweep } from '../../../src/fleet/sweep.js';
import { factsOf } from '../../../src/health/health.js';
import { openStatus, type StatusRow } from '../../../src/health/status.js';
import { openHubRegistry } from '../../../src/iothub/registry.js';
import { accept } from '../../../src/provisioning/accept.js';
import { redrive } from '../../../src/provisioning/redrive.js';
import { processMessage } from '../../../src/provisioning/worker.js';
import { type DiscardedDeadLetter, openDiscardedDeadLetters } from '../../../src/queue/deadLetters.js';
import { rememberSent } from '../../../src/queue/publish.js';
import { openQueue } from '../../../src/queue/queue.js';
import { openSettlement } from '../../../src/queue/settlement.js';
import { openTable } from '../../../src/storage/table.js';
import { openLastRun } from '../../../src/storage/timerRows.js';
import type { TimerRow } from '../../../src/storage/timerRuns.js';
import { type CircuitRow, openCircuitBreaker } from '../../../src/throttling/circuitBreaker.js';
import { openRateLimiter, type RateLimiterRow } from '../../../src/throttling/openRateLimiter.js';
import { runTimer } from '../../../src/timers/runTimer.js';
import { superviseRedrive } from '../../../src/timers/supervise.js';
import { memoryTable } from '../../support/memoryTable.js';
import { openTestRecords } from '../../support/openTestRecords.js';
import { now, queued, uuid } from '../../support/records.js';
import { timerRunsIn } from '../../support/timerRunsIn.js';
import { workerDependencies } from '../../support/workerTools.js';

/*
 * Runs the product with dependencies that throw synchronously, reject at once, reject late, and emit errors on their connections. Prints
 * the errors that would have ended the process, as JSON. Run by strayErrors.test.ts, in a process of its own.
 */

const strays: string[] = [];
let current = '';
const note = (kind: string) => (error: unknown) =>
  strays.push(`${current}: ${kind} ${error instanceof Error ? (error.stack ?? error.message) : error}`);
process.on('unhandledRejection', note('rejection'));
process.on('uncaughtException', note('exception'));

const random = seededRandom(7);
let failed = 0;
let calls = 0;

/** The methods that return an iterable, and no promise. */
const iterables = new Set(['column', 'rows', 'summaries', 'listed', 'deadLetters']);

async function* failingIterable(way: number) {
  if (way < 0.66) throw new Error('rejected');
  await sleep(20);
  yield await Promise.reject(new Error('rejected late'));
}

/** Makes the methods of a dependency fail in one of three ways, with a probability. */
function hostile<T extends object>(target: T, probability: number): T {
  return new Proxy(target, {
    get(from, name) {
      const method = from[name as keyof T];
      if (typeof method !== 'function') return method;
      return (...args: unknown[]) => {
        calls += 1;
        if (random() >= probability) return method.apply(from, args);
        const way = random();
        if (way < 0.33) throw new Error('thrown synchronously');
        if (iterables.has(String(name)) || (name === 'list' && 'put' in from)) return failingIterable(way);
        if (way < 0.66) return Promise.reject(new Error('rejected'));
        return new Promise((_, reject) => setTimeout(() => reject(new Error('rejected late')), 20));
      };
    },
  });
}

async function runOnFakes(probability: number): Promise<void> {
  const system = workerDependencies(now);
  await system.put(queued);
  const clock = { now: () => Date.now(), sleep: (ms: number) => sleep(Math.min(ms, 5)) };
  const table = <T>() => hostile(memoryTable<T>(), probability);
  const circuit = (dependency: 'hub' | 'balena') =>
    openCircuitBreaker({ dependency, table: table<CircuitRow>(), clock, log: () => {} });
  const queue = hostile(system.deps.queue, probability);
  const deps = {
    ...system.deps,
    clock,
    queue,
    records: hostile(openTestRecords(hostile(system.table, probability), clock), probability / 4),
    hub: hostile(system.deps.hub, probability),
    balena: hostile(
      {
        ...system.deps.balena,
        list: async () => [{ uuid, fleet: 'my_org/one', certificates: new Map(), foreignCertificates: [] }],
        fleetsOf: async () => new Map([[uuid, 'my_org/one']]),
      },
      probability,
    ),
    mint: () => {
      if (random() < probability) throw new Error('no entropy');
      return system.deps.mint(uuid, now);
    },
    rateLimiter: openRateLimiter({ table: table<RateLimiterRow>(), clock, perMinute: 60_000 }),
    circuits: { hub: circuit('hub'), balena: circuit('balena') },
    status: openStatus({
      table: table<StatusRow>(),
      clock,
      schedule: (_ms, run) => void setTimeout(run, 1),
    }),
    discarded: openDiscardedDeadLetters(table<DiscardedDeadLetter>()),
    duplicateWindowMs: 600_000,
    periodMs: 300_000,
    lastRun: openLastRun(table<{ at: number }>(), 'redrive'),
    operationsPerMinute: 100,
    caLife: null,
    isWorkerDisabled: false,
    management: hostile({ depths: async () => null, properties: async () => null }, probability),
    samples: hostile({ since: async () => [] }, probability),
    sentRecently: rememberSent(clock, 600_000),
    timerRuns: timerRunsIn(clock, table<TimerRow>()),
  };
  const delivery = system.delivery({
    deadLetter: async () => {
      throw new Error('the host restarts');
    },
  });
  const runs: [string, () => Promise<unknown>][] = [
    ['worker', () => processMessage(deps, system.message({ uuid }), delivery)],
    ['accept', () => accept(deps, { uuid, present: false })],
    ['worker again', () => processMessage(deps, system.message({ uuid }), delivery)],
    ['status', () => deps.status.report()],
    ['redrive', () => redrive(deps)],
    ['sweep', () => sweep(deps as never, { fleets: ['my_org/one'], service: 'main' })],
    ['health', () => factsOf(async () => deps, clock)],
    [
      'timer',
      () =>
        runTimer(deps.timerRuns, { timer: 'redrive', by: 'timer', mostMs: 1_000, run: () => redrive(deps) }),
    ],
    [
      'supervision',
      superviseRedrive({ runs: deps.timerRuns.redrive, clock, log: () => {}, run: () => redrive(deps) }),
    ],
  ];
  for (const [name, run] of runs) {
    current = name;
    try {
      await run();
    } catch {
      failed += 1;
    }
  }
  await sleep(25);
}

/** What a hostile server does with a connection. */
const behaviours: Record<string, (socket: Socket) => void> = {
  'closes at once': (socket) => socket.destroy(),
  'resets at once': (socket) => socket.resetAndDestroy(),
  'sends garbage': (socket) => void socket.end('garbage\r\n\r\n'),
  'resets late': (socket) => void setTimeout(() => socket.resetAndDestroy(), 500),
  'sends garbage late': (socket) => void setTimeout(() => socket.end('garbage\r\n\r\n'), 500),
};
const shortMs = 200;

async function runOnSockets(behaviour: string): Promise<void> {
  const server = createServer((socket) => {
    socket.on('error', () => {}).resume();
    behaviours[behaviour]?.(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const queueOptions = {
    connection: {
      connectionString: `Endpoint=sb://127.0.0.1:${port};SharedAccessKeyName=x;SharedAccessKey=eA==;UseDevelopmentEmulator=true`,
    },
    queue: 'q',
    callTimeoutMs: shortMs,
  };
  const queue = openQueue(queueOptions);
  const hub = openHubRegistry({
    connection: {
      connectionString: `HostName=127.0.0.1:${port};SharedAccessKeyName=x;SharedAccessKey=eA==`,
    },
  });
  const balena = openBalenaClient({
    apiUrl: `http://127.0.0.1:${port}/`,
    apiKey: 'key',
    callTimeoutMs: shortMs,
  });
  const table = openTable<DeviceRecord>({
    connection: {
      connectionString: `DefaultEndpointsProtocol=http;AccountName=a;AccountKey=eA==;TableEndpoint=http://127.0.0.1:${port}/a;`,
    },
    name: 'devices',
    callTimeoutMs: shortMs,
  });
  const settlement = openSettlement(`http://127.0.0.1:${port}`, queueOptions);
  const envelope = { messageId: 'm', at: 0 };
  const message = workerDependencies(now).message({ uuid });
  const key = { partition: 'p', row: 'r' };
  const runs: (() => Promise<unknown>)[] = [
    () => queue.send(message, envelope),
    () => queue.ping(),
    () => hub.get(uuid, shortMs),
    () => hub.create(uuid, ['A'.repeat(64), 'A'.repeat(64)], shortMs),
    () => balena.findDevice(uuid),
    () => table.get(key),
    () => table.put(key, queued, null),
  ];
  for (let round = 0; round < 2; round += 1)
    for (const run of runs) {
      calls += 1;
      await run().catch(() => {
        failed += 1;
      });
    }
  settlement.deadLetter('lock', 'reason', 'description').catch(() => {});
  await sleep(1_000);
  void settlement.close();
  hub.close();
  await Promise.race([queue.close(), sleep(1_000)]);
  server.close();
}

for (let times = 0; times < 150; times += 1) await runOnFakes(times % 3 === 0 ? 0.5 : 0.1);
current = 'sockets';
await Promise.all(Object.keys(behaviours).map(runOnSockets));
await sleep(1_000);
process.stdout.write(JSON.stringify({ calls, failed, strays }), () => process.exit(0));
