import type { Dependency, ErrorCode, ProvisioningError } from '../shared/errors.js';
import type { Clock } from '../shared/time.js';
import { optimisticUpdate } from '../storage/optimisticUpdate.js';
import type { Table } from '../storage/table.js';

/** What a worker last saw of a dependency. Times are Unix ms. */
export interface Sight {
  answeredAt: number | null;
  failedAt: number | null;
  code: ErrorCode | null;
}

/**
 * What the workers see, for the HTTP functions to show: they run on other instances. Written every ten seconds at most, by
 * whichever worker is at work; the last one wins, since all of them see the same two sides.
 */
export type StatusRow = Record<Dependency, Sight> & {
  at: number;
  /** What all workers have done, since ever. */
  totals: Totals;
};

/** Registry operations asked for, and requests that ended: well, or for good without. */
export type Counted = 'operations' | 'provisioned' | 'failed';

export type Totals = Record<Counted, number>;

export interface Status {
  saw(dependency: Dependency, error: ProvisioningError | null): void;
  /** One more of these. */
  count(what: Counted): void;
  /** Writes what was seen, now or when it is time. A worker calls it after each message. */
  report(): Promise<void>;
  read(): Promise<StatusRow | null>;
}

const key = { partition: 'system', row: 'status' };
const everyMs = 10_000;
const none: Totals = { operations: 0, provisioned: 0, failed: 0 };
const nothing: Sight = { answeredAt: null, failedAt: null, code: null };

export interface StatusOptions {
  table: Table<StatusRow>;
  clock: Clock;
  /** Runs something after so many ms; without it, what is seen is written only when there is a message. */
  later?: (ms: number, run: () => Promise<void>) => void;
}

export function openStatus({ table, clock, later: runLater }: StatusOptions): Status {
  const sights: Record<Dependency, Sight> = { balena: { ...nothing }, hub: { ...nothing } };
  let reportedAt = Number.NEGATIVE_INFINITY;
  let unreported = { ...none };
  let isTimed = false;
  const status: Status = {
    saw(dependency, error) {
      const sight = sights[dependency];
      if (error) Object.assign(sight, { failedAt: clock.now(), code: error.code });
      else sight.answeredAt = clock.now();
    },
    count(what) {
      unreported[what] += 1;
    },
    async report() {
      const now = clock.now();
      if (now - reportedAt < everyMs) {
        // Where no message follows, the last ones would stay untold.
        if (!isTimed) runLater?.(everyMs, () => status.report());
        isTimed = true;
        return;
      }
      isTimed = false;
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
            balena: later(before?.balena, sights.balena),
            hub: later(before?.hub, sights.hub),
          }),
          write: (merged, { etag }) => table.put(key, merged, etag),
        });
        unreported = combine(unreported, counted, -1);
      } catch {
        // The next report, in ten seconds, has these counts as well.
      }
    },
    read: async () => (await table.get(key))?.value ?? null,
  };
  return status;
}

function combine(a: Totals, b: Totals, sign: 1 | -1): Totals {
  return {
    operations: a.operations + sign * b.operations,
    provisioned: a.provisioned + sign * b.provisioned,
    failed: a.failed + sign * b.failed,
  };
}

function later(a: Sight = nothing, b: Sight): Sight {
  const failed = (a.failedAt ?? 0) > (b.failedAt ?? 0) ? a : b;
  const answeredAt = Math.max(a.answeredAt ?? 0, b.answeredAt ?? 0) || null;
  return { answeredAt, failedAt: failed.failedAt, code: failed.code };
}
