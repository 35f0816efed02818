import type { Dependency, ErrorCode, ProvisioningError } from '../shared/errors.js';
import type { Clock, EpochMs } from '../shared/time.js';
import { optimisticUpdate } from '../storage/optimisticUpdate.js';
import type { Table } from '../storage/table.js';

/** The last observations of a dependency by a worker. */
export interface Observation {
  answeredAt: EpochMs | null;
  failedAt: EpochMs | null;
  /** The code of the last failure. */
  code: ErrorCode | null;
}

/** A time in which somebody limited our requests. */
export interface Throttling {
  /** The first refusal. A new time begins after two minutes without a refusal. */
  since: EpochMs;
  /** The last refusal. */
  at: EpochMs;
}

/** The counts of all workers at one time. */
export interface Mark {
  at: EpochMs;
  totals: Totals;
}

/**
 * The status row carries the workers' observations to the HTTP functions, which run on other instances. A busy worker writes the row every
 * ten seconds at most. The last write wins, because all workers observe the same two dependencies.
 */
export type StatusRow = Record<Dependency, Observation> & {
  /** Missing while no worker has needed the CA. */
  ca?: Observation;
  at: EpochMs;
  /** The counts of all workers since the first start. */
  totals: Totals;
  /** The counts of the last minutes, the oldest first. The measured rates are differences of these counts. */
  marks: Mark[];
  /** Who limits our requests; without an entry for a system that has never done so. */
  throttled: Partial<Record<Dependency | 'queue', Throttling>>;
};

/** The counted events. */
export const countedEvents = [
  /** Registry operations, also refused ones. */
  'operations',
  'provisioned',
  'deprovisioned',
  /** Requests that failed for good. */
  'failed',
  /** Registry operations that the hub refused with 429. */
  'hubRefusals',
  /** The duration of all registry operations, ms. */
  'hubMs',
] as const;
export type Counted = (typeof countedEvents)[number];

/** The number of each counted event. */
export type Totals = Record<Counted, number>;

/** Collects the observations of this process and reports them to the status row. */
export interface Status {
  /** Notes the outcome of a call. @param error null for a successful call */
  noteCall(dependency: Dependency | 'ca', error: ProvisioningError | null): void;
  /** Notes that Service Bus refused a call because the credits of the namespace are used up. */
  noteQueueThrottled(): void;
  /** Counts an event. @param by the number to add; default: 1 */
  count(what: Counted, by?: number): void;
  /**
   * Writes the observations: now, or ten seconds later if the last report is less than ten seconds old. A worker reports after each message.
   * Never throws.
   */
  report(): Promise<void>;
  read(): Promise<StatusRow | null>;
}

const key = { partition: 'system', row: 'status' };
const everyMs = 10_000;
/** The rates are measured over this time, and a mark is kept in each part of it. */
export const measuredMs = 150_000;
const markEveryMs = 15_000;
/** Throttling has ended after this time without a refusal. */
const throttlingEndsMs = 120_000;

/** Counts of zero. */
export const noTotals = Object.fromEntries(countedEvents.map((each) => [each, 0])) as Totals;
const nothing: Observation = { answeredAt: null, failedAt: null, code: null };

/** The options of a status. */
export interface StatusOptions {
  table: Table<StatusRow>;
  clock: Clock;
  /** Runs a function after `ms`. Without `schedule`, observations are only written after a message. */
  schedule?: (ms: number, run: () => Promise<void>) => void;
}

/** Opens the status of this process. */
export function openStatus({ table, clock, schedule }: StatusOptions): Status {
  const observations = { balena: { ...nothing }, hub: { ...nothing }, ca: { ...nothing } };
  let reportedAt = Number.NEGATIVE_INFINITY;
  let unreported = { ...noTotals };
  let isScheduled = false;
  const refusedAt: Partial<Record<Dependency | 'queue', EpochMs>> = {};
  const status: Status = {
    noteCall(dependency, error) {
      const observation = observations[dependency];
      if (!error) {
        observation.answeredAt = clock.now();
        return;
      }
      Object.assign(observation, { failedAt: clock.now(), code: error.code });
      if (error.code === 'hub-throttled') unreported.hubRefusals += 1;
      if (error.code === 'hub-throttled') refusedAt.hub = clock.now();
      if (error.code === 'balena-throttled') refusedAt.balena = clock.now();
    },
    noteQueueThrottled() {
      refusedAt.queue = clock.now();
    },
    count(what, by = 1) {
      unreported[what] += by;
    },
    async report() {
      const now = clock.now();
      if (now - reportedAt < everyMs) {
        // Without the timer, the last observations before a pause would not be written.
        if (!isScheduled) schedule?.(everyMs, () => status.report());
        isScheduled = true;
        return;
      }
      isScheduled = false;
      reportedAt = now;
      try {
        const counted = { ...unreported };
        await optimisticUpdate({
          name: 'The status',
          // After a conflict with another worker, the next report adds the counts.
          mostConflicts: 1,
          read: async () => (await table.get(key)) ?? { value: null, etag: null },
          change: (before: StatusRow | null): StatusRow => {
            const totals = combine(before?.totals ?? noTotals, counted, 1);
            return {
              at: now,
              totals,
              balena: latest(before?.balena, observations.balena),
              hub: latest(before?.hub, observations.hub),
              ...(before?.ca || isUsed(observations.ca) ? { ca: latest(before?.ca, observations.ca) } : {}),
              marks: nextMarks(before?.marks ?? [], { at: now, totals }),
              throttled: nextThrottled(before?.throttled ?? {}, refusedAt),
            };
          },
          write: (merged, { etag }) => table.put(key, merged, etag),
        });
        unreported = combine(unreported, counted, -1);
      } catch {
        // The counts are kept, and the next report adds them.
      }
    },
    read: async () => (await table.get(key))?.value ?? null,
  };
  return status;
}

/** Adds the mark, if the last one is old enough, and drops the marks that no rate needs any more. */
function nextMarks(marks: readonly Mark[], mark: Mark): Mark[] {
  const kept = marks.filter(({ at }) => at > mark.at - measuredMs);
  const last = kept.at(-1);
  return last && mark.at - last.at < markEveryMs ? kept : [...kept, mark];
}

function nextThrottled(
  before: StatusRow['throttled'],
  refusedAt: Partial<Record<Dependency | 'queue', EpochMs>>,
): StatusRow['throttled'] {
  const next = { ...before };
  for (const [name, at] of Object.entries(refusedAt) as [Dependency | 'queue', EpochMs][]) {
    const known = before[name];
    if (known && at <= known.at) continue;
    next[name] = { since: known && at - known.at < throttlingEndsMs ? known.since : at, at };
  }
  return next;
}

function combine(a: Totals, b: Totals, sign: 1 | -1): Totals {
  return Object.fromEntries(countedEvents.map((each) => [each, a[each] + sign * b[each]])) as Totals;
}

function isUsed({ answeredAt, failedAt }: Observation): boolean {
  return answeredAt !== null || failedAt !== null;
}

function latest(a: Observation = nothing, b: Observation): Observation {
  const failed = (a.failedAt ?? 0) > (b.failedAt ?? 0) ? a : b;
  const answeredAt = Math.max(a.answeredAt ?? 0, b.answeredAt ?? 0) || null;
  return { answeredAt, failedAt: failed.failedAt, code: failed.code };
}
