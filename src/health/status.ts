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

/**
 * The status row carries the workers' observations to the HTTP functions, which run on other instances. A busy worker writes the row every
 * ten seconds at most. The last write wins, because all workers observe the same two dependencies.
 */
export type StatusRow = Record<Dependency, Observation> & {
  at: EpochMs;
  /** The counts of all workers since the first start. */
  totals: Totals;
  /** When Service Bus last refused a call because the credits were used up; missing if that never happened. */
  queueThrottledAt?: EpochMs;
};

/** The counted events: registry operations, provisioned devices, and requests that failed for good. */
export type Counted = 'operations' | 'provisioned' | 'failed';

/** The number of each counted event. */
export type Totals = Record<Counted, number>;

/** Collects the observations of this process and reports them to the status row. */
export interface Status {
  /** Notes the outcome of a call. @param error null for a successful call */
  noteCall(dependency: Dependency, error: ProvisioningError | null): void;
  /** Notes that Service Bus refused a call because the credits of the namespace are used up. */
  noteQueueThrottled(): void;
  /** Counts one event. */
  count(what: Counted): void;
  /**
   * Writes the observations: now, or ten seconds later if the last report is less than ten seconds old. A worker reports after each message.
   * Never throws.
   */
  report(): Promise<void>;
  read(): Promise<StatusRow | null>;
}

const key = { partition: 'system', row: 'status' };
const everyMs = 10_000;
const none: Totals = { operations: 0, provisioned: 0, failed: 0 };
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
  const observations: Record<Dependency, Observation> = { balena: { ...nothing }, hub: { ...nothing } };
  let reportedAt = Number.NEGATIVE_INFINITY;
  let unreported = { ...none };
  let isScheduled = false;
  let queueThrottledAt = 0;
  const status: Status = {
    noteCall(dependency, error) {
      const observation = observations[dependency];
      if (error) Object.assign(observation, { failedAt: clock.now(), code: error.code });
      else observation.answeredAt = clock.now();
    },
    noteQueueThrottled() {
      queueThrottledAt = clock.now();
    },
    count(what) {
      unreported[what] += 1;
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
          change: (before: StatusRow | null): StatusRow => ({
            at: now,
            totals: combine(before?.totals ?? none, counted, 1),
            balena: latest(before?.balena, observations.balena),
            hub: latest(before?.hub, observations.hub),
            ...throttledAt(Math.max(before?.queueThrottledAt ?? 0, queueThrottledAt)),
          }),
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

const throttledAt = (at: EpochMs) => (at === 0 ? {} : { queueThrottledAt: at });

function combine(a: Totals, b: Totals, sign: 1 | -1): Totals {
  return {
    operations: a.operations + sign * b.operations,
    provisioned: a.provisioned + sign * b.provisioned,
    failed: a.failed + sign * b.failed,
  };
}

function latest(a: Observation = nothing, b: Observation): Observation {
  const failed = (a.failedAt ?? 0) > (b.failedAt ?? 0) ? a : b;
  const answeredAt = Math.max(a.answeredAt ?? 0, b.answeredAt ?? 0) || null;
  return { answeredAt, failedAt: failed.failedAt, code: failed.code };
}
