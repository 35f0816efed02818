import type { ConfigFor } from './config/config.js';
import type { ListedDevice } from './device/lists.js';
import type { DeviceRecord } from './device/record.js';
import { openRecords } from './device/repository.js';
import { listTimesOf } from './fleet/listTimes.js';
import { openStatus, type StatusRow } from './health/status.js';
import { type OpsDependencies, openOps } from './ops/dependencies.js';
import { waitsOfRequests, waitsOfWorkers } from './queue/patience.js';
import { patientQueue } from './queue/patientQueue.js';
import { rememberSent } from './queue/publish.js';
import { openQueue, type Queue } from './queue/queue.js';
import type { Dependency } from './shared/errors.js';
import { type Clock, systemClock } from './shared/time.js';
import { type NoteDate, openServerClock } from './storage/serverClock.js';
import { openTable, type Table } from './storage/table.js';
import { type AllTimerRuns, openTimerRuns, type TimerRow, timerNames } from './storage/timerRuns.js';
import { productMetrics } from './telemetry/metrics.js';
import { traceCalls, traceSlowCalls } from './telemetry/traceCalls.js';
import { type BalenaLimit, openBalenaLimit } from './throttling/balenaLimit.js';
import { type CircuitRow, openCircuitBreaker } from './throttling/circuitBreaker.js';
import { openRateLimiter, type RateLimiterRow } from './throttling/openRateLimiter.js';

/** A read that takes longer than this time, ten times the usual time, gets a span. */
const slowReadMs = 50;

/** Opens our limit of requests to balena. */
export function openLimitOfBalena(config: ConfigFor<'records'>, clock: Clock): BalenaLimit {
  const table = openTracedTable<RateLimiterRow>(config, 'system');
  const perMinute = config.balenaRequestsPerMinute;
  return openBalenaLimit(openRateLimiter({ table, clock, perMinute, row: 'balenaLimit', schedule }), clock);
}

/** The dependencies that need only queue and records: requests, states, and the work of operators. */
export interface OpsApp extends OpsDependencies {
  /** The queue for workers and timers, which wait longer for new credits of Service Bus. */
  workerQueue: Queue;
  close(): Promise<void>;
}

/**
 * Opens the dependencies for requests and operators. Neither balena nor the hub is needed.
 *
 * @param log for lines outside of any invocation
 */
export function openOpsApp(config: ConfigFor<'queue' | 'records'>, log: (line: string) => void): OpsApp {
  // The rows of all processes have the time of the tables.
  const { noteDate, ...clock } = openServerClock(systemClock);
  const records = openRecords({
    table: openTracedTable<DeviceRecord>(config, 'devices', noteDate),
    lists: openTracedTable<ListedDevice>(config, 'lists', noteDate),
    clock,
    timesOf: (record) => listTimesOf(record, config),
  });
  const system: Table<unknown> = openTracedTable(config, 'system', noteDate);
  const bareQueue = traceCalls('queue', openQueue(config.queue), ['send', 'sendWakeUp']);
  const circuit = (dependency: Dependency) =>
    openCircuitBreaker({ dependency, table: system as Table<CircuitRow>, clock, log });
  const status = openStatus({
    table: system as Table<StatusRow>,
    clock,
    schedule,
  });
  const patient = (waits: number) =>
    patientQueue(bareQueue, {
      clock,
      random: Math.random,
      waits,
      onThrottled() {
        productMetrics().queueThrottled();
        status.noteQueueThrottled();
        void status.report();
      },
    });
  const queue = patient(waitsOfRequests);
  const ops = openOps(config, {
    records,
    queue,
    clock,
    sentRecently: rememberSent(clock, config.duplicateWindowMs),
    rateLimiter: openRateLimiter({
      table: system as Table<RateLimiterRow>,
      clock,
      perMinute: config.operationsPerMinute,
      schedule,
    }),
    circuits: { balena: circuit('balena'), hub: circuit('hub') },
    status,
    timerRuns: openAllTimerRuns(system as Table<TimerRow>, clock),
  });
  return { ...ops, workerQueue: patient(waitsOfWorkers), close: () => queue.close() };
}

function openAllTimerRuns(table: Table<TimerRow>, clock: Clock): AllTimerRuns {
  const entries = timerNames.map((timer) => [timer, openTimerRuns(table, timer, clock)] as const);
  return Object.fromEntries(entries) as AllTimerRuns;
}

/** Runs a function later, unless the process ends before. */
const schedule = (ms: number, run: () => unknown) => void setTimeout(run, ms).unref();

/** Opens a table with a span for each write, and for each slow read. */
export function openTracedTable<T>({ records }: ConfigFor<'records'>, name: string, noteDate?: NoteDate) {
  const attributes = { table: name };
  const table = traceCalls(
    'records',
    openTable<T>({ ...records, name, ...(noteDate && { noteDate }) }),
    ['put', 'remove'],
    attributes,
  );
  return traceSlowCalls('records', table, ['get'], slowReadMs, attributes);
}
