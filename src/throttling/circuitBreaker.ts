import type { Dependency, ErrorCode, ProvisioningError } from '../shared/errors.js';
import type { Clock, EpochMs } from '../shared/time.js';
import { openSharedRow } from '../storage/sharedRow.js';
import type { Table } from '../storage/table.js';

/** The state of one dependency's circuit, shared by all workers through one row. */
export interface CircuitRow {
  state: 'closed' | 'open';
  /** The time of the last change of state. */
  since: EpochMs;
  /** While open: the time from which the next probe may go. */
  until: EpochMs;
  /** While open: the number of consecutive failed probes. */
  failures: number;
  /** While open: the run that may try the dependency, and until when; null if no run is trying. */
  probe: { by: string; until: EpochMs } | null;
  /** While open: the error that opened the circuit. */
  code: ErrorCode | null;
}

/**
 * The circuit breaker of a dependency. While the circuit is open, only one run at a time may try the dependency, as a probe.
 *
 * `release` and `failed` are hints: they never fail the caller's own work. Only `admit` and `read` throw `records-unavailable`.
 */
export interface CircuitBreaker {
  /**
   * Decides whether a run may use the dependency. While the circuit is open, one run at a time is admitted as the probe.
   *
   * @param by the id of the run
   * @returns null if the run is admitted; otherwise the time of the next attempt. The waiting runs are spread over as long as the outage
   * has lasted: a backlog then costs little during the outage, and is processed at the old rate afterwards
   */
  admit(by: string): Promise<EpochMs | null>;
  /** The time of the next attempt, as from `admit`; null while the circuit is closed, or if the row cannot be read. */
  nextAttemptAt(): Promise<EpochMs | null>;
  /**
   * Reports the end of a run. A probe's whole run decides about the circuit: a key that may read but not write would otherwise open and
   * close the circuit all the time.
   *
   * @param by the id of the run
   * @param succeeded true if the run used the dependency, and no call failed: the probe then closes the circuit
   */
  release(by: string, succeeded: boolean): Promise<void>;
  /** Reports a failed call. The error policy says whether the circuit opens at once, after several failures in a row, or not. */
  failed(error: ProvisioningError): Promise<void>;
  read(): Promise<CircuitRow>;
}

/** The options of a circuit breaker. */
export interface CircuitOptions {
  dependency: Dependency;
  table: Table<CircuitRow>;
  clock: Clock;
  /** Gets one line for each change of state. */
  log: (line: string) => void;
  /** The number of consecutive failures in one process that opens the circuit. */
  threshold?: number;
  /** Returns numbers from 0 to 1. */
  random?: () => number;
}

const closed: CircuitRow = { state: 'closed', since: 0, until: 0, failures: 0, probe: null, code: null };
const freshMs = 1_000;
const firstWaitMs = 2_000;
/** A probe costs one request, and the work must continue within 10 s after an outage. The longest wait between two probes is therefore short. */
const longestWaitMs = 5_000;
/** Longer than any call to a dependency. A probe without a result after this time has died. */
const probeMs = 30_000;
const leastSpreadMs = 5_000;
const mostSpreadMs = 300_000;

/** Opens the circuit breaker of a dependency. */
export function openCircuitBreaker({
  dependency,
  table,
  clock,
  log,
  threshold = 5,
  random = Math.random,
}: CircuitOptions): CircuitBreaker {
  const key = { partition: 'system', row: `circuit-${dependency}` };
  // After a conflict the write is not repeated: another worker has just written a newer state.
  const shared = openSharedRow({ table, key, clock, initial: closed, freshMs });
  const read = async () => (await shared.read()).value;
  let failuresInARow = 0;

  /** Runs a hint, and drops its error. If the records cannot be reached, the next caller that needs the records gets the error. */
  async function hint(give: () => Promise<unknown>): Promise<void> {
    await give().catch(() => {});
  }

  function nextAttempt(row: CircuitRow, now: EpochMs): EpochMs {
    const spread = Math.min(Math.max(now - row.since, leastSpreadMs), mostSpreadMs);
    return Math.round(Math.max(now, row.until) + random() * spread);
  }

  return {
    async nextAttemptAt() {
      const row = await read().catch(() => closed);
      return row.state === 'closed' ? null : nextAttempt(row, clock.now());
    },
    async admit(by) {
      const basis = await shared.read();
      const row = basis.value;
      if (row.state === 'closed') return null;
      const now = clock.now();
      const later = nextAttempt(row, now);
      const probing = row.probe && now < row.probe.until ? row.probe.by : null;
      if (probing === by) return null;
      if (now < row.until || probing !== null) return later;
      return (await shared.write({ ...row, probe: { by, until: now + probeMs } }, basis)) ? null : later;
    },
    release: (by, succeeded) =>
      hint(async () => {
        if (succeeded) failuresInARow = 0;
        const basis = await shared.read();
        if (basis.value.probe?.by !== by) return;
        if (!succeeded) await shared.write({ ...basis.value, probe: null }, basis);
        else if (await shared.write({ ...closed, since: clock.now() }, basis))
          log(`${dependency} works again: the waiting work continues`);
      }),
    failed: ({ code, policy: { opensCircuit } }) =>
      hint(async () => {
        if (opensCircuit === 'never') return;
        failuresInARow += 1;
        const basis = await shared.read();
        const row = basis.value;
        if (row.state === 'closed' && failuresInARow < threshold && opensCircuit !== 'at-once') return;
        const now = clock.now();
        const failures = row.state === 'open' ? row.failures + 1 : 1;
        const until = now + Math.min(firstWaitMs * 2 ** (failures - 1), longestWaitMs);
        const since = row.state === 'open' ? row.since : now;
        const written = await shared.write(
          { state: 'open', since, until, failures, probe: null, code },
          basis,
        );
        if (written && row.state === 'closed')
          log(`${dependency} fails (${code}): all work waits until ${dependency} works again`);
      }),
    read,
  };
}

/** The circuit breakers of both dependencies. */
export type Circuits = Record<Dependency, CircuitBreaker>;

/**
 * Decides whether a run may use balena and the hub.
 *
 * @param id the id of the run
 * @returns null if both circuits admit the run; otherwise the time of the next attempt
 * @throws ProvisioningError `records-unavailable`
 */
export async function admitByCircuits({ balena, hub }: Circuits, id: string): Promise<EpochMs | null> {
  return (await balena.admit(id)) ?? (await hub.admit(id));
}

/**
 * Reports the end of a run, or that the run was postponed. If the run was the probe of an open circuit, the circuit closes, or another
 * run may probe.
 *
 * @param healthy the dependencies that the run used, and of which no call failed
 */
export async function releaseProbes(
  { balena, hub }: Circuits,
  id: string,
  healthy: ReadonlySet<Dependency>,
): Promise<void> {
  await Promise.all([balena.release(id, healthy.has('balena')), hub.release(id, healthy.has('hub'))]);
}

/** Whether both dependencies are believed to answer. @throws ProvisioningError `records-unavailable` */
export async function areAllClosed({ balena, hub }: Circuits): Promise<boolean> {
  const rows = await Promise.all([balena.read(), hub.read()]);
  return rows.every(({ state }) => state === 'closed');
}
