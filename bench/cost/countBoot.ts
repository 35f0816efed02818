import { limitRequests } from '../../src/balena/limitRequests.js';
import { balenaRequestsPerMinute } from '../../src/config/config.js';
import type { ListedDevice } from '../../src/device/lists.js';
import type { DeviceRecord } from '../../src/device/record.js';
import { openStatus, type StatusRow } from '../../src/health/status.js';
import { operationsPerMinute } from '../../src/iothub/quotas.js';
import { accept } from '../../src/provisioning/accept.js';
import { expectedAt } from '../../src/provisioning/expectedAt.js';
import { processMessage } from '../../src/provisioning/worker.js';
import { rememberSent } from '../../src/queue/publish.js';
import type { Table } from '../../src/storage/table.js';
import { openBalenaLimit } from '../../src/throttling/balenaLimit.js';
import { type CircuitRow, openCircuitBreaker } from '../../src/throttling/circuitBreaker.js';
import { openRateLimiter, type RateLimiterRow } from '../../src/throttling/openRateLimiter.js';
import { type MemoryTable, memoryTable } from '../../test/support/memoryTable.js';
import { openTestRecords } from '../../test/support/openTestRecords.js';
import { workerDependencies } from '../../test/support/workerTools.js';
import { createTimeline, type Timeline } from './timeline.js';

/** A hub of IoT Hub. */
export interface Hub {
  tier: 'S1' | 'S3';
  units: number;
}

/** The operations of the code for each device of a booting fleet. */
export interface BootCounts {
  /** The size of the fleet. */
  devices: number;
  /** Requests of the device, the repeated ones included. */
  requests: number;
  /** Messages, each sent, delivered and completed. */
  messages: number;
  /** Reads and writes of records. */
  records: number;
  /** Rows of the lists that are written or removed. */
  lists: number;
  /** Reads and writes of the shared rows: rate limiters of hub and balena, circuits, status. */
  shared: number;
  /** Table operations of one repeated request. */
  repeated: number;
  balena: number;
  registry: number;
}

/** The calls that one worker handles at a time (`maxConcurrentCalls` in host.json). */
const atATime = 16;
/** The requests that the HTTP functions accept in a second (docs/performance.md). */
const acceptedPerSecond = 400;
const firstWaitMs = 100;
const longestWaitMs = 60_000;

/**
 * Plays a fleet that boots, with the code of the product, one HTTP host and one worker, in memory and in virtual time. Queue, hub and balena answer
 * at once. Each device repeats its request as Cloud Relay does, with a delay that doubles from 100 ms to 60 s.
 *
 * @throws Error if a device is not provisioned at the end
 */
export async function countBoot(devices: number, hub: Hub): Promise<BootCounts> {
  const time = createTimeline(Date.parse('2030-01-01T00:00:00Z'));
  const { worker, http, table, listed, system, calls, sent, delivery } = await open(hub, time);
  const count = { requests: 0, messages: 0 };
  const done = new Set<string>();
  let free = atATime;

  async function request(uuid: string, wait: number): Promise<void> {
    if (done.has(uuid)) return;
    count.requests += 1;
    const { record } = await accept({ ...worker, ...http }, { uuid, present: true, service: 'main' });
    await expectedAt(http, record);
    time.after(wait, () => request(uuid, Math.min(wait * 2, longestWaitMs)));
  }
  for (let device = 0; device < devices; device += 1) {
    const uuid = device.toString(16).padStart(32, '0');
    time.after((device * 1_000) / acceptedPerSecond, () => request(uuid, firstWaitMs));
  }
  /** Starts the due messages, as many as the worker takes at a time. */
  function deliver(): void {
    sent.sort((a, b) => a.at - b.at);
    while (free > 0 && sent[0] && sent[0].at <= time.clock.now()) {
      const { messageId: _, at: __, ...message } = sent.shift()!;
      free -= 1;
      count.messages += 1;
      void processMessage(worker, message, delivery())
        .then(() => worker.status.report())
        .then(async () => {
          if (isDone(await peek(table, message.uuid))) done.add(message.uuid);
          free += 1;
        });
    }
  }
  while (done.size < devices) {
    deliver();
    if (!(await time.next(free > 0 ? sent[0]?.at : undefined)))
      throw new Error(`${devices - done.size} devices are not provisioned`);
  }
  const each = (total: number) => Math.round((total / devices) * 10) / 10;
  return {
    devices,
    requests: each(count.requests),
    messages: each(count.messages),
    records: each(table.reads + table.writes),
    lists: each(listed()),
    shared: each(system.reads + system.writes),
    repeated: await countRepeated(),
    balena: each(calls.filter((call) => /^(?:find|store|add)/.test(call)).length),
    registry: each(calls.filter((call) => call.startsWith('hub ')).length),
  };
}

/** The dependencies of one HTTP host and one worker, with one table for the records and one for the shared rows. */
async function open(hub: Hub, { clock, after }: Timeline) {
  const { deps, table, calls, sent, delivery } = workerDependencies(clock.now());
  const system = memoryTable<unknown>();
  const { lists, listed } = countedLists();
  const shared = <R>() => system as unknown as Table<R>;
  const circuit = (dependency: 'balena' | 'hub') =>
    openCircuitBreaker({ dependency, table: shared<CircuitRow>(), clock, log: () => {} });
  const perMinute = operationsPerMinute(hub.tier, hub.units);
  const limiter = (row?: 'balenaLimit') =>
    openRateLimiter({
      table: shared<RateLimiterRow>(),
      clock,
      perMinute: row ? balenaRequestsPerMinute(perMinute) : perMinute,
      random: () => 0.5,
      schedule: (ms, run) => after(ms, async () => void run()),
      ...(row && { row }),
    });
  const balenaLimit = openBalenaLimit(limiter('balenaLimit'), clock);
  const credentials = await deps.mint('0'.repeat(32), clock.now());
  const worker = {
    ...deps,
    clock,
    records: openTestRecords(table, clock, lists),
    balena: limitRequests(deps.balena, balenaLimit),
    balenaLimit,
    mint: async () => credentials,
    rateLimiter: limiter(),
    circuits: { balena: circuit('balena'), hub: circuit('hub') },
    status: openStatus({ table: shared<StatusRow>(), clock }),
  };
  return {
    worker,
    http: { clock, rateLimiter: limiter(), sentRecently: rememberSent(clock, 600_000) },
    table,
    listed,
    system,
    calls,
    sent,
    delivery,
  };
}

/** A table for the lists, and the number of its rows that were written or removed. */
function countedLists() {
  const table = memoryTable<ListedDevice>();
  let removed = 0;
  const lists: typeof table = {
    ...table,
    remove(key, etag) {
      removed += 1;
      return table.remove(key, etag);
    },
  };
  return { lists, listed: () => table.writes + removed };
}

/** The table operations of a request that a waiting device repeats. */
async function countRepeated(): Promise<number> {
  const time = createTimeline(Date.parse('2030-01-01T00:00:00Z'));
  const { worker, http, table, listed } = await open({ tier: 'S1', units: 1 }, time);
  const request = () =>
    accept({ ...worker, ...http }, { uuid: '0'.repeat(32), present: true, service: 'main' });
  await request();
  const before = table.reads + table.writes + listed();
  await request();
  return table.reads + table.writes + listed() - before;
}

/** Reads a record without counting the read. */
async function peek(table: MemoryTable<DeviceRecord>, uuid: string): Promise<DeviceRecord | null> {
  const { reads } = table;
  const row = await openTestRecords(table, { now: () => 0, sleep: async () => {} }).read(uuid);
  table.reads = reads;
  return row?.value ?? null;
}

function isDone(record: DeviceRecord | null): boolean {
  return record !== null && record.job === null && record.completedAt !== null;
}
