import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { ListedDevice } from '../../src/device/lists.js';
import type { DeviceRecord } from '../../src/device/record.js';
import { openRecords, type Records } from '../../src/device/repository.js';
import { newRecord } from '../../src/device/transitionParts.js';
import { listTimesOf } from '../../src/fleet/listTimes.js';
import { renew } from '../../src/fleet/renew.js';
import { verifyHub } from '../../src/fleet/verifyHub.js';
import type { StoredAction } from '../../src/ops/bulk/action.js';
import { readAction } from '../../src/ops/bulk/read.js';
import { openActions } from '../../src/ops/bulk/repository.js';
import { listRecords } from '../../src/ops/devices/list.js';
import { openListedSnapshots } from '../../src/ops/devices/listed.js';
import { openDeviceSnapshots } from '../../src/ops/devices/snapshot.js';
import { readDepths } from '../../src/ops/overview/depths.js';
import { type OverviewDependencies, readOverview } from '../../src/ops/overview/read.js';
import { readSystemHealth } from '../../src/ops/overview/readStatus.js';
import { openSamples } from '../../src/ops/overview/samples.js';
import { redrive } from '../../src/provisioning/redrive.js';
import { openDiscardedDeadLetters } from '../../src/queue/deadLetters.js';
import type { Queue } from '../../src/queue/queue.js';
import { openLastRun } from '../../src/storage/timerRows.js';
import { timerRunsIn } from '../../test/support/timerRunsIn.js';
import { countingTable, type TableCosts } from '../countingTable.js';

/** One row of the table that the scenario prints. */
export interface ScaleRow {
  records: number;
  what: string;
  requests: number;
  kB: number;
  'rows scanned': number;
  seconds: number;
  'memory kept, MB': number;
}

const days = 86_400_000;
const minutes = 60_000;
/** The work of the timers, whatever the number of devices: so many devices of each kind. */
const each = 20;
const actionId = '018f0000-0000-7000-8000-000000000000';
/** A multiple of the redrive's period, so that each run repairs the same partition. */
const now = Date.UTC(2030, 0, 1);
let at = now;
const clock = { now: () => at, sleep: async () => {} };
const queue: Queue = {
  send: async () => {},
  sendWakeUp: async () => {},
  async *deadLetters() {},
  removeDeadLetters: async () => 0,
  ping: async () => {},
  close: async () => {},
};

/**
 * Measures what each timer and the first page of the operators' lists cost, with a number of records. In each number, the same few devices have
 * something to do. The tables are in memory, and each page of a scan takes 30 ms.
 */
export async function scale(counts: readonly number[]): Promise<ScaleRow[]> {
  const rows: ScaleRow[] = [];
  for (const count of counts) rows.push(...(await measureAll(count)));
  return rows;
}

async function measureAll(count: number): Promise<ScaleRow[]> {
  const costs: TableCosts = { requests: 0, bytes: 0, scanned: 0 };
  const records = open(costs);
  const actions = openActions(countingTable<unknown>(costs));
  at = now - days;
  await fill(records, count);
  at = now;
  await actions.create(
    runningAction,
    Array.from({ length: each }, (_, i) => itemOf(uuidOf(i))),
  );
  const rows: ScaleRow[] = [];
  const measure = async <R>(what: string, run: () => Promise<R>): Promise<R> => {
    Object.assign(costs, { requests: 0, bytes: 0, scanned: 0 });
    const heapBefore = heapMb();
    const begun = performance.now();
    const result = await run();
    const seconds = Math.round(performance.now() - begun) / 1_000;
    const kept = Math.round((heapMb() - heapBefore) * 10) / 10;
    rows.push({
      records: count,
      what,
      requests: costs.requests,
      kB: Math.round(costs.bytes / 1_000),
      'rows scanned': costs.scanned,
      seconds,
      'memory kept, MB': kept,
    });
    return result;
  };
  await measure('redrive', () => redrive(redriveDependencies(records, costs)));
  const deps = { records, queue, clock };
  await measure('renewal', () => renew(deps, { renewAt: 0.8, operationsPerMinute: 100 }));
  await measure('verification', () => verifyHub(deps, { operationsPerMinute: 100 }));
  const action = { actions, records, operationsPerMinute: 100 };
  await measure('bulk action, progress', () => readAction(action, actionId));
  const ops = overviewDependencies(records, costs);
  await measure('state of the system', () => readSystemHealth(ops));
  const overview = await measure('overview', () => readOverview(ops));
  const page = await measure('first page of a list', () => listRecords(ops));
  await measure('page of the failed devices', () => listRecords(ops, { state: 'failed' }));
  await changeSome(records);
  at += minutes;
  await measure('overview after a minute, 20 devices changed', () => readOverview(ops));
  at += 20 * minutes;
  await measure('overview after 20 minutes', () => readOverview(ops));
  at = now;
  const management = { ...ops.management, depths: async () => null };
  await measure('sample of the queue, counted from the records', () => readDepths({ ...ops, management }));
  // The snapshot stays in memory until here.
  if (overview.devices !== count || page.total !== count) throw new Error('some records are missing');
  return rows;
}

/** A minute after the other readings, as many devices were checked. */
async function changeSome(records: Records): Promise<void> {
  at += minutes;
  for (let i = 0; i < each; i += 1)
    await records.amend(uuidOf(500 + i), (record) => record && { ...record, completedAt: now });
}

function open(costs: TableCosts): Records {
  const settings = { renewAt: 0.8, keepDeprovisionedMs: 30 * days };
  return openRecords({
    table: countingTable<DeviceRecord>(costs),
    lists: countingTable<ListedDevice>(costs),
    clock,
    timesOf: (record) => listTimesOf(record, settings),
  });
}

const uuidOf = (index: number) =>
  (Math.imul(index + 1, 0x9e3779b1) >>> 0).toString(16).padStart(8, '0').padEnd(32, '0');
const itemOf = (uuid: string) => ({ uuid, requestId: null, generation: null, sequenceNumber: null });

/** Writes provisioned devices. The first devices have something to do. */
async function fill(records: Records, count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    await records.write(recordOf(index), null);
  }
}

function recordOf(index: number): DeviceRecord {
  const thumbprint = index.toString(16).toUpperCase().padStart(64, 'A');
  const at = now - 60 * days - (index % 1_000) * minutes;
  const desired = { present: true, service: 'main', requestId: actionId, requestedAt: at, validated: true };
  const fresh = newRecord(uuidOf(index), desired, at);
  const history = Array.from({ length: 8 }, (_, i) => ({
    at: at + i,
    type: 'ran' as const,
    note: 'provisioned',
    steps: (['validate', 'mint', 'register', 'store'] as const).map((step) => ({ step, ms: 12, code: null })),
  }));
  const record: DeviceRecord = {
    ...fresh,
    observed: {
      ...fresh.observed,
      thumbprint,
      service: 'main',
      hub: [thumbprint, thumbprint],
      hubSeenAt: now - days,
      fleet: 'my_org/my_fleet',
      notBefore: at,
      notAfter: at + 365 * days,
      keyAlgorithm: 'ec-p256',
      verifiedAt: at,
    },
    scopes: ['main'],
    completedAt: at,
    history,
  };
  return { ...record, ...toDo(record, Math.floor(index / each)) };
}

/** The first groups of devices: an overdue job of the bulk action, a dead job, a failed check, a due certificate, a silent device. */
function toDo(record: DeviceRecord, group: number): Partial<DeviceRecord> {
  const error = {
    code: 'service-not-found',
    step: 'validate',
    message: 'No such service.',
    at: now,
  } as const;
  const job = { generation: 5, due: now - 30 * minutes };
  switch (group) {
    case 0:
      return { job, action: { id: actionId, error: null } };
    case 1:
      return { job: { ...job, dead: { at: now - minutes } }, error };
    case 2:
      return { error };
    case 3:
      return { observed: { ...record.observed, notAfter: now + days } };
    case 4:
      return { observed: { ...record.observed, hubSeenAt: now - 8 * days } };
    default:
      return {};
  }
}

const runningAction: StoredAction = {
  id: actionId,
  kind: 'rotate',
  state: 'running',
  by: 'ops',
  filter: {},
  reason: null,
  revoke: false,
  service: null,
  lacking: null,
  plannedAt: now,
  startedAt: now,
  startedBy: 'ops',
  cancelledBy: null,
  endedAt: null,
  ratePerMinute: 100,
  ramp: false,
  limit: null,
  planned: each,
  quarantined: 0,
  byCode: {},
  byFleet: {},
  note: null,
  nextIndex: each,
  superseded: 0,
  wave: { from: 0, to: each, startsAt: now, failedBefore: 0 },
  counts: null,
  failures: [],
  wakeUp: { generation: 0, due: now },
};

function redriveDependencies(records: Records, costs: TableCosts) {
  return {
    records,
    queue,
    clock,
    discarded: openDiscardedDeadLetters(countingTable(costs)),
    duplicateWindowMs: 10 * minutes,
    periodMs: 5 * minutes,
    lastRun: openLastRun(countingTable(costs), 'redrive'),
  };
}

function overviewDependencies(
  records: Records,
  costs: TableCosts,
): OverviewDependencies & { records: Records } {
  const circuit = { read: async () => ({ state: 'closed' }) } as OverviewDependencies['circuits']['hub'];
  return {
    records,
    queue,
    clock,
    rateLimiter: { pausedUntil: async () => now } as unknown as OverviewDependencies['rateLimiter'],
    circuits: { balena: circuit, hub: circuit },
    status: { read: async () => null } as unknown as OverviewDependencies['status'],
    operationsPerMinute: 100,
    caLife: null,
    lateCertificateMs: 0,
    isWorkerDisabled: false,
    timerRuns: timerRunsIn(clock, countingTable(costs)),
    management: {
      depths: async () => ({ active: 0, scheduled: 0, deadLettered: 0 }),
      properties: async () => null,
    } as unknown as OverviewDependencies['management'],
    deviceSnapshots: openDeviceSnapshots({ records, clock }),
    listedSnapshots: openListedSnapshots({ records, clock, lateCertificateMs: 0 }),
    samples: openSamples(countingTable(costs)),
  };
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function heapMb(): number {
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return (heapUsed + arrayBuffers) / 2 ** 20;
}
