import type { ConfigFor } from './config/config.js';
import type { DeviceRecord } from './device/record.js';
import { openRecords } from './device/repository.js';
import { openStatus, type StatusRow } from './health/status.js';
import { type OpsDependencies, openOps } from './ops/dependencies.js';
import { rememberSent } from './queue/publish.js';
import { openQueue } from './queue/queue.js';
import type { Dependency } from './shared/errors.js';
import { type Clock, systemClock } from './shared/time.js';
import { type NoteDate, openServerClock } from './storage/serverClock.js';
import { openTable, type Table } from './storage/table.js';
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
  const records = openRecords(openTracedTable<DeviceRecord>(config, 'devices', noteDate), clock);
  const system: Table<unknown> = openTracedTable(config, 'system', noteDate);
  const queue = traceCalls('queue', openQueue(config.queue), ['send', 'sendWakeUp']);
  const circuit = (dependency: Dependency) =>
    openCircuitBreaker({ dependency, table: system as Table<CircuitRow>, clock, log });
  const ops = openOps(config, {
    records,
    queue,
    clock,
    sentRecently: rememberSent(clock),
    rateLimiter: openRateLimiter({
      table: system as Table<RateLimiterRow>,
      clock,
      perMinute: config.operationsPerMinute,
      schedule,
    }),
    circuits: { balena: circuit('balena'), hub: circuit('hub') },
    status: openStatus({
      table: system as Table<StatusRow>,
      clock,
      schedule,
    }),
  });
  return { ...ops, close: () => queue.close() };
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
