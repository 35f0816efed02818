import { ConfigError } from '../config/config.js';
import type { Queue } from '../queue/queue.js';
import { type Dependency, ProvisioningError } from '../shared/errors.js';
import type { Clock } from '../shared/time.js';
import type { CircuitBreaker } from '../throttling/circuitBreaker.js';
import type { Status, StatusRow } from './status.js';
import { type TimersHealthDependencies, timersLine } from './timers.js';
import { type WorkerHealthDependencies, workerLine } from './worker.js';

/** Everything that the health report uses. */
export interface HealthDependencies extends WorkerHealthDependencies, TimersHealthDependencies {
  queue: Queue;
  status: Status;
  circuits: Record<Dependency, CircuitBreaker>;
  clock: Clock;
}

/** The health of one dependency. */
export interface HealthLine {
  name: 'configuration' | 'queue' | 'records' | 'worker' | 'timers' | Dependency;
  ok: boolean;
  detail: string;
}

const noSamples: HealthDependencies['samples'] = { since: async () => [] };

/**
 * Reads the health of all dependencies. Queue and records are tried now. The lines for balena and the hub come from the last observations
 * of the workers, because this process may never send requests to either.
 */
export async function health(deps: HealthDependencies): Promise<HealthLine[]> {
  const { queue, status } = deps;
  const [queueLine, { line: recordsLine, row }] = await Promise.all([
    line('queue', () => queue.ping()),
    readStatus(status),
  ]);
  // Without the records, the list of samples would keep the caller waiting for half a minute.
  const samples = recordsLine.ok ? deps.samples : noSamples;
  const queueSeen = withThrottling(queueLine, deps, row);
  const configuration: HealthLine = { name: 'configuration', ok: true, detail: 'complete' };
  const seen = await Promise.all([
    workerLine({ ...deps, samples }, row),
    timersLine(deps),
    seenLine('balena', deps, row),
    seenLine('hub', deps, row),
  ]);
  return [configuration, queueSeen, recordsLine, ...seen];
}

/**
 * Reads the health of an app that may lack right settings: each missing or wrong setting is a line then.
 *
 * @param open returns the dependencies, or fails with a ConfigError
 */
export async function healthOf(open: () => Promise<HealthDependencies>): Promise<HealthLine[]> {
  let deps: HealthDependencies;
  try {
    deps = await open();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map((detail) => ({ name: 'configuration', ok: false, detail }));
  }
  return health(deps);
}

async function line(name: HealthLine['name'], request: () => Promise<unknown>): Promise<HealthLine> {
  try {
    await request();
    return { name, ok: true, detail: 'answers' };
  } catch (error) {
    return { name, ok: false, detail: ProvisioningError.from(error).message };
  }
}

const throttledLatelyMs = 10 * 60_000;
const throttledNowMs = 60_000;

/** The line of the queue, with the last time at which a worker or an HTTP function found the credits used up. */
function withThrottling(line: HealthLine, { clock }: HealthDependencies, row: StatusRow | null): HealthLine {
  const agoMs = clock.now() - (row?.queueThrottledAt ?? 0);
  if (!line.ok || agoMs > throttledLatelyMs) return line;
  const detail =
    `answers; Service Bus limited our requests ${Math.round(agoMs / 1_000)} s ago (ServerBusy): ` +
    'see "Service Bus says busy" in docs/runbook.md';
  return { ...line, ok: agoMs > throttledNowMs, detail };
}

async function readStatus(status: Status): Promise<{ line: HealthLine; row: StatusRow | null }> {
  let row: StatusRow | null = null;
  const records = await line('records', async () => {
    row = await status.read();
  });
  return { line: records, row };
}

async function seenLine(
  name: Dependency,
  { circuits, clock }: HealthDependencies,
  row: StatusRow | null,
): Promise<HealthLine> {
  const circuit = await circuits[name].read().catch(() => null);
  if (!circuit) return { name, ok: false, detail: 'unknown: the records cannot be reached' };
  if (circuit.state === 'open') {
    const since = new Date(circuit.since).toISOString();
    return {
      name,
      ok: false,
      detail: `${circuit.code} since ${since}; all work waits, and one worker at a time tries again`,
    };
  }
  const answeredAt = row?.[name].answeredAt;
  if (!answeredAt) return { name, ok: true, detail: `no worker has called ${name} yet` };
  return {
    name,
    ok: true,
    detail: `answered a worker ${Math.round((clock.now() - answeredAt) / 1_000)} s ago`,
  };
}
