import { rememberSight } from '../../../src/balena/sight.js';
import type { ListedDevice } from '../../../src/device/lists.js';
import type { DeviceRecord } from '../../../src/device/record.js';
import { openRecords } from '../../../src/device/repository.js';
import { listTimesOf } from '../../../src/fleet/listTimes.js';
import { openStatus } from '../../../src/health/status.js';
import type { BulkDependencies } from '../../../src/ops/bulk/dependencies.js';
import { openActions } from '../../../src/ops/bulk/repository.js';
import { openDeadLetterSnapshots } from '../../../src/ops/deadLetters/snapshot.js';
import { openDeviceSnapshots } from '../../../src/ops/devices/snapshot.js';
import type { AcceptDependencies } from '../../../src/provisioning/accept.js';
import type { WorkerDependencies } from '../../../src/provisioning/dependencies.js';
import type { RedriveDependencies } from '../../../src/provisioning/redrive.js';
import { type DiscardedDeadLetter, openDiscardedDeadLetters } from '../../../src/queue/deadLetters.js';
import { waitsOfWorkers } from '../../../src/queue/patience.js';
import { patientQueue } from '../../../src/queue/patientQueue.js';
import { rememberSent } from '../../../src/queue/publish.js';
import { isTransient, type RetryTransient } from '../../../src/shared/retry.js';
import type { Clock } from '../../../src/shared/time.js';
import { openLastRun } from '../../../src/storage/timerRows.js';
import { openBalenaLimit } from '../../../src/throttling/balenaLimit.js';
import { type CircuitRow, openCircuitBreaker } from '../../../src/throttling/circuitBreaker.js';
import { openRateLimiter } from '../../../src/throttling/openRateLimiter.js';
import { queueProperties } from './createBroker.js';
import type { System } from './createSystem.js';
import type { Process, World } from './createWorld.js';
import { fakeCa } from './fakeCa.js';
import { fakeQueue } from './fakeQueue.js';
import { fakeTable } from './fakeTable.js';
import type { DevicesTable } from './RuleOff.js';
import { watchCircuit } from './watchCircuit.js';
import { listSettings, watchLists } from './watchLists.js';
import { keepIssuedMs, watchSecret } from './watchOwnKey.js';
import { watchRateLimiter } from './watchPace.js';
import { watchRecord } from './watchRecord.js';

export interface Running {
  process: Process;
  /** Hub and balena are added for each run: see `deliver`. */
  deps: AcceptDependencies & RedriveDependencies & Omit<WorkerDependencies, 'hub' | 'balena'>;
  ops: BulkDependencies;
  /** Invocations under way. */
  busy: number;
}

/** The time between two runs of the timer. */
export const periodMs = 300_000;
/** balena's limit is low, so that devices have to wait for their look-ups. */
const looksForOperation = 3;
/** 3,650 days, and five minutes: certificates are backdated. */
const lifeMs = 3_650 * 24 * 3_600_000 + 300_000;

/** A process with the product's real code, and an empty memory. */
export function startProcess(system: System, name: string): Running {
  const { world, rows, scenario, rule, cloud } = system;
  const skewMs = world.int(-scenario.skewMs, scenario.skewMs);
  const process: Process = { name, skewMs, alive: true, diedAt: null, pausedUntil: 0 };
  const clock = clockOf(world, process);
  const table = <T>() => fakeTable<T>(world, process, rows.system);
  const bareLists = fakeTable<ListedDevice>(
    world,
    process,
    rows.lists,
    (_, { uuid }) => watchLists(system, uuid),
    ({ uuid }) => watchLists(system, uuid),
  );
  const records = openRecords({
    table: devicesTable(system, process),
    lists: rule.lists?.(bareLists) ?? bareLists,
    clock,
    timesOf: (record) => listTimesOf(record, listSettings),
  });
  const bare = patientQueue(fakeQueue(world, process, system.broker), {
    clock,
    random: world.random,
    waits: waitsOfWorkers,
  });
  const circuit = (dependency: 'hub' | 'balena') => {
    const opened = openCircuitBreaker({
      dependency,
      table: fakeTable<CircuitRow>(world, process, rows.system, (before, after) =>
        watchCircuit(system, dependency, before, after),
      ),
      clock,
      threshold: scenario.circuitThreshold,
      random: world.random,
      log: (line) => world.note('', name, line),
    });
    return rule.circuit?.(opened) ?? opened;
  };

  const deps: Running['deps'] = {
    records,
    queue: rule.queue?.(bare) ?? bare,
    clock,
    sentRecently: rememberSent(clock, 600_000),
    rateLimiter: watchRateLimiter(
      system,
      openRateLimiter({ table: table(), clock, perMinute: scenario.perMinute, random: world.random }),
    ),
    balenaLimit: openBalenaLimit(
      openRateLimiter({
        table: table(),
        clock,
        perMinute: looksForOperation * scenario.perMinute,
        row: 'balenaLimit',
        random: world.random,
      }),
      clock,
    ),
    sight: rememberSight(clock),
    circuits: { hub: circuit('hub'), balena: circuit('balena') },
    status: openStatus({ table: table(), clock }),
    async mint(uuid) {
      watchSecret(system, process, uuid, 'minted');
      await world.step(process);
      if (world.chance(0.01)) {
        cloud.device(uuid).trouble += 1;
        throw new Error('no entropy (fake)');
      }
      return cloud.mint(uuid);
    },
    ca: fakeCa(system, process),
    retryTransient: retrySoonBy(clock),
    settings: {
      fleets: null,
      /** As a fraction of a certificate's life: exactly the certificates from before a moment are due. */
      get renewAt() {
        return system.renewBefore === null ? 1 : (clock.now() - system.renewBefore) / lifeMs;
      },
      workLimitMs: 60_000,
      leaseGraceMs: 60_000,
      keepIssuedMs,
      maxAttempts: scenario.maxAttempts,
      ...rule.settings,
    },
    discarded: openDiscardedDeadLetters(table<DiscardedDeadLetter>()),
    duplicateWindowMs: queueProperties.duplicateWindowMs,
    periodMs,
    lastRun: openLastRun(table(), 'redrive'),
    instance: name,
    random: world.random,
  };
  const { queue, discarded, sentRecently } = deps;
  const ops: BulkDependencies = {
    ...{ records, queue, clock, discarded, sentRecently },
    operationsPerMinute: scenario.perMinute,
    deadLetterSnapshots: openDeadLetterSnapshots({ queue, records, clock }),
    deviceSnapshots: openDeviceSnapshots({ records, clock }),
    actions: openActions(fakeTable<unknown>(world, process, rows.ops)),
  };
  return { process, busy: 0, deps, ops };
}

function devicesTable(system: System, process: Process): DevicesTable {
  const { world, rows, rule, cloud } = system;
  const bare = fakeTable<DeviceRecord>(world, process, rows.devices, (before, after) => {
    watchRecord(system, before, after, process);
    watchLists(system, after.uuid);
  });
  const table: DevicesTable = {
    ...bare,
    async get(key) {
      const row = await bare.get(key);
      if (row) rule.onRead?.(row.value, cloud);
      return row;
    },
    put(key, value, etag, columns) {
      if (!rule.onWrite) return bare.put(key, value, etag, columns);
      const changed = structuredClone(value);
      rule.onWrite(changed, system.recordOf(value.uuid));
      return bare.put(key, changed, etag, columns);
    },
  };
  return rule.devices?.(table) ?? table;
}

function clockOf(world: World, process: Process): Clock {
  return {
    now: () => world.now + process.skewMs,
    sleep: (ms) => world.step(process, world.now + Math.max(0, ms)),
  };
}

/** As `retryTransient`, in virtual time. */
function retrySoonBy(clock: Clock): RetryTransient {
  return async (call) => {
    for (let tries = 0; ; tries += 1) {
      try {
        return await call();
      } catch (error) {
        if (tries >= 3 || !isTransient(error)) throw error;
        await clock.sleep(200 * 2 ** tries);
      }
    }
  };
}
