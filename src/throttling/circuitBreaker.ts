import type { Dependency, ErrorCode, ProvisioningError } from '../shared/errors.js';
import type { Clock, EpochMs } from '../shared/time.js';
import { openSharedRow } from '../storage/sharedRow.js';
import type { Table } from '../storage/table.js';
import { productMetrics } from '../telemetry/metrics.js';

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
  /** While open: several devices have failed, although the dependency answers pings. */
  despitePings?: boolean;
}

/** A run, as the circuit breaker sees it. */
export interface CircuitUser {
  /** The id of the run. */
  id: string;
  uuid: string;
  /** The device has failed by itself before (docs/protocol.md, "Whose fault"). Its next failure says nothing about the dependency. */
  isSuspect: boolean;
}

/**
 * The circuit breaker of a dependency. While the circuit is open, only one run at a time may try the dependency, as a probe.
 *
 * `release` and `failed` are hints: they never fail the caller's own work. Only `admit` and `read` throw `records-unavailable`.
 */
export interface CircuitBreaker {
  /**
   * Decides whether a run may use the dependency. While the circuit is open, one run at a time is admitted as the probe. The run of a
   * suspect device is admitted only if no other run has probed for half a minute.
   *
   * @returns null if the run is admitted; otherwise the time of the next attempt. The waiting runs are spread over as long as the outage
   * has lasted: a backlog then costs little during the outage, and is processed at the old rate afterwards
   */
  admit(user: CircuitUser): Promise<EpochMs | null>;
  /** The time of the next attempt, as from `admit`; null while the circuit is closed, or if the row cannot be read. */
  nextAttemptAt(): Promise<EpochMs | null>;
  /**
   * Reports the end of a run. A probe's whole run decides about the circuit.
   *
   * @param id the id of the run
   * @param succeeded true if the run used the dependency, and the dependency worked: the probe then closes the circuit
   */
  release(id: string, succeeded: boolean): Promise<void>;
  /**
   * Reports a failed call. The error policy says whether the circuit opens at once, or if others fail, or not.
   *
   * @param ping asks the dependency about no device
   * @returns true if the failure is the fault of the device: the dependency answers, and others do not fail
   */
  failed(error: ProvisioningError, user: CircuitUser, ping: Ping): Promise<boolean>;
  read(): Promise<CircuitRow>;
}

/** @returns the error; null if the dependency answers */
export type Ping = () => Promise<ProvisioningError | null>;

/** The options of a circuit breaker. */
export interface CircuitOptions {
  dependency: Dependency;
  table: Table<CircuitRow>;
  clock: Clock;
  /** Gets one line for each change of state. */
  log: (line: string) => void;
  /** The number of different devices that fail in a row, in one process, and so open the circuit. */
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
/** If no other run probes for this time after a failed probe, only suspect devices have work. */
const quietMs = 30_000;
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
  /** The devices that have failed since the last success. */
  const failing = new Set<string>();

  /** Runs a hint, and drops its error. If the records cannot be reached, the next caller that needs the records gets the error. */
  async function hint<R>(give: () => Promise<R>): Promise<R | null> {
    return give().catch(() => null);
  }

  function nextAttempt(row: CircuitRow, now: EpochMs): EpochMs {
    const spread = Math.min(Math.max(now - row.since, leastSpreadMs), mostSpreadMs);
    return Math.round(Math.max(now, row.until) + random() * spread);
  }

  async function close(): Promise<void> {
    if (await shared.write({ ...closed, since: clock.now() }, await shared.read()))
      log(`${dependency} works again: the waiting work continues`);
  }

  /** @returns false: the failure is not the fault of one device */
  async function open({ code, policy }: ProvisioningError, despitePings: boolean): Promise<false> {
    if (policy.fault === 'key') productMetrics().credentialsRejected(dependency);
    const basis = await shared.read();
    const row = basis.value;
    const now = clock.now();
    const failures = row.state === 'open' ? row.failures + 1 : 1;
    const until = now + Math.min(firstWaitMs * 2 ** (failures - 1), longestWaitMs);
    const since = row.state === 'open' ? row.since : now;
    const next: CircuitRow = { state: 'open', since, until, failures, probe: null, code, despitePings };
    if ((await shared.write(next, basis)) && row.state === 'closed')
      log(`${dependency} fails (${code}): all work waits until ${dependency} works again`);
    return false;
  }

  /** Decides whether the dependency has failed, or the device alone (true). */
  async function isAlone(error: ProvisioningError, { id, uuid, isSuspect }: CircuitUser, ping: Ping) {
    const { opensCircuit } = error.policy;
    if (opensCircuit === 'never') return true;
    if (opensCircuit === 'at-once') return open(error, false);
    const before = await read();
    // A run from before the outage says nothing new.
    if (before.state === 'open' && before.probe?.by !== id) return false;
    const outage = await ping();
    if (outage) return open(outage, false);
    if (before.state === 'open') {
      // The probe has failed, and the dependency answers. Only devices that have not failed by themselves show that others fail as well.
      if (before.despitePings && !isSuspect) return open(error, true);
      await close();
      return true;
    }
    if (isSuspect) return true;
    failing.add(uuid);
    if (failing.size < threshold) return true;
    failing.clear();
    return open(error, true);
  }

  return {
    async nextAttemptAt() {
      const row = await read().catch(() => closed);
      return row.state === 'closed' ? null : nextAttempt(row, clock.now());
    },
    async admit({ id, isSuspect }) {
      const basis = await shared.read();
      const row = basis.value;
      if (row.state === 'closed') return null;
      const now = clock.now();
      const later = nextAttempt(row, now);
      const probing = row.probe && now < row.probe.until ? row.probe.by : null;
      if (probing === id) return null;
      const from = isSuspect ? row.until + quietMs : row.until;
      if (now < from || probing !== null) return later;
      const probe = { by: id, until: now + probeMs };
      return (await shared.write({ ...row, probe }, basis)) ? null : later;
    },
    async release(id, succeeded) {
      if (succeeded) failing.clear();
      await hint(async () => {
        const basis = await shared.read();
        if (basis.value.probe?.by !== id) return;
        if (succeeded) await close();
        else await shared.write({ ...basis.value, probe: null }, basis);
      });
    },
    failed: async (error, user, ping) => (await hint(() => isAlone(error, user, ping))) ?? false,
    read,
  };
}

/** The circuit breakers of both dependencies. */
export type Circuits = Record<Dependency, CircuitBreaker>;

/**
 * Decides whether a run may use balena and the hub.
 *
 * @returns null if both circuits admit the run; otherwise the time of the next attempt
 * @throws ProvisioningError `records-unavailable`
 */
export async function admitByCircuits({ balena, hub }: Circuits, user: CircuitUser): Promise<EpochMs | null> {
  return (await balena.admit(user)) ?? (await hub.admit(user));
}

/**
 * Reports the end of a run, or that the run was postponed. If the run was the probe of an open circuit, the circuit closes, or another
 * run may probe.
 *
 * @param healthy the dependencies that the run used, and that worked
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
