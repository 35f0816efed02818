import type { WorkerDependencies } from '../provisioning/dependencies.js';
import type { Dependency, ErrorCode, ProvisioningError } from '../shared/errors.js';
import type { Clock } from '../shared/time.js';
import { openSharedRow } from '../storage/sharedRow.js';
import type { Table } from '../storage/table.js';

/** One shared row for each dependency. */
export interface CircuitRow {
  state: 'closed' | 'open';
  /** Unix ms of the last change of state. */
  since: number;
  /** Open: when the next probe may go, Unix ms. */
  until: number;
  /** Open: how often in a row a probe failed. */
  failures: number;
  probe: { by: string; until: number } | null;
  /** Open: why. */
  code: ErrorCode | null;
}

/**
 * Whether a dependency is worth asking, shared by all workers. What it is told is a hint, and never fails the work that tells
 * it: only `admit` and `read` throw `records-unavailable`.
 */
export interface CircuitBreaker {
  /**
   * Asks to go ahead. While the circuit is open, one caller at a time is let through as its probe.
   *
   * @returns null to go ahead, or the Unix ms at which to ask again: spread over as long as the other side has been away, so
   * that what has piled up costs little while it waits, and flows at its old rate when the other side is back
   */
  admit(by: string): Promise<number | null>;
  /** When to come again, Unix ms, as `admit` says it; null while the circuit is closed, or where it cannot be read. */
  whenAgain(): Promise<number | null>;
  /**
   * The caller is done. Its whole work decides: a key that may read and not write would open and close the circuit all the time.
   *
   * @param well it asked, and all that it asked was answered: if it was the probe, the circuit closes. Otherwise the next may probe
   */
  release(by: string, well: boolean): Promise<void>;
  /** A call failed. Opens the circuit: at once if our credentials are refused, after several in a row otherwise. */
  failed(error: ProvisioningError): Promise<void>;
  read(): Promise<CircuitRow>;
}

export interface CircuitOptions {
  dependency: Dependency;
  table: Table<CircuitRow>;
  clock: Clock;
  /** One line for each change of state. */
  log: (line: string) => void;
  /** Failures in a row, in one process, that open it. */
  threshold?: number;
  /** Between 0 and 1. */
  random?: () => number;
}

const closed: CircuitRow = { state: 'closed', since: 0, until: 0, failures: 0, probe: null, code: null };
const freshMs = 1_000;
const firstWaitMs = 2_000;
/** Short: one probe costs one request, and the backlog is to flow within 10 s of the other side's return. */
const longestWaitMs = 5_000;
/** A probe that has not said how it went by then has died: longer than a call to either side takes. */
const probeMs = 30_000;
const leastSpreadMs = 5_000;
const mostSpreadMs = 300_000;
/** These name our credentials or our hub: no device will do better. */
const atOnce = new Set<ErrorCode>(['balena-unauthorized', 'hub-unauthorized', 'hub-quota-exceeded']);
const opening = new Set<ErrorCode>([...atOnce, 'balena-unavailable', 'hub-unavailable', 'timed-out']);

export function openCircuitBreaker({
  dependency,
  table,
  clock,
  log,
  threshold = 5,
  random = Math.random,
}: CircuitOptions): CircuitBreaker {
  const key = { partition: 'system', row: `circuit-${dependency}` };
  // A write that meets a conflict is not repeated: another worker has just said the same, or knows better.
  const shared = openSharedRow({ table, key, clock, initial: closed, freshMs });
  const read = async () => (await shared.read()).value;
  let inARow = 0;

  async function hint(tell: () => Promise<unknown>): Promise<void> {
    try {
      await tell();
    } catch {
      // The records cannot be reached: whoever needs them next says so.
    }
  }

  function whenAgain(row: CircuitRow, now: number): number {
    const spread = Math.min(Math.max(now - row.since, leastSpreadMs), mostSpreadMs);
    return Math.round(Math.max(now, row.until) + random() * spread);
  }

  return {
    async whenAgain() {
      const row = await read().catch(() => closed);
      return row.state === 'closed' ? null : whenAgain(row, clock.now());
    },
    async admit(by) {
      const basis = await shared.read();
      const row = basis.value;
      if (row.state === 'closed') return null;
      const now = clock.now();
      const later = whenAgain(row, now);
      const probing = row.probe && now < row.probe.until ? row.probe.by : null;
      if (probing === by) return null;
      if (now < row.until || probing !== null) return later;
      return (await shared.write({ ...row, probe: { by, until: now + probeMs } }, basis)) ? null : later;
    },
    release: (by, well) =>
      hint(async () => {
        if (well) inARow = 0;
        const basis = await shared.read();
        if (basis.value.probe?.by !== by) return;
        if (!well) await shared.write({ ...basis.value, probe: null }, basis);
        else if (await shared.write({ ...closed, since: clock.now() }, basis))
          log(`${dependency} answers again`);
      }),
    failed: (error) =>
      hint(async () => {
        if (!opening.has(error.code)) return;
        inARow += 1;
        const basis = await shared.read();
        const row = basis.value;
        if (row.state === 'closed' && inARow < threshold && !atOnce.has(error.code)) return;
        const now = clock.now();
        const failures = row.state === 'open' ? row.failures + 1 : 1;
        const until = now + Math.min(firstWaitMs * 2 ** (failures - 1), longestWaitMs);
        const since = row.state === 'open' ? row.since : now;
        const written = await shared.write(
          { state: 'open', since, until, failures, probe: null, code: error.code },
          basis,
        );
        if (written && row.state === 'closed')
          log(`${dependency} is not to be relied on (${error.code}): work waits until it answers`);
      }),
    read,
  };
}

/**
 * Are both sides worth asking?
 *
 * @param id names the run, as a probe
 * @returns null to go ahead, or the Unix ms at which to come again
 */
export async function admitByCircuits({ circuits }: WorkerDependencies, id: string): Promise<number | null> {
  return (await circuits.balena.admit(id)) ?? (await circuits.hub.admit(id));
}

/**
 * A run is over, or was put off before it began: if it was the probe of an open circuit, the circuit closes, or the next may probe.
 *
 * @param well the dependencies that answered all that this run asked
 */
export async function releaseCircuits(
  { circuits }: WorkerDependencies,
  id: string,
  well: ReadonlySet<Dependency>,
): Promise<void> {
  const { balena, hub } = circuits;
  await Promise.all([balena.release(id, well.has('balena')), hub.release(id, well.has('hub'))]);
}
