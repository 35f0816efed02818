import type { Clock, EpochMs } from '../shared/time.js';
import type { Key, Table } from './table.js';

/** The timers of the functions. */
export const timerNames = ['redrive', 'sample', 'renew', 'sweep'] as const;
export type TimerName = (typeof timerNames)[number];

/** Who began a run: the timer of the host, or a worker or HTTP function that found the timer silent. */
export type Starter = 'timer' | 'supervision';

/** The row of a timer. */
export interface TimerRow {
  /** When a process first looked at the timer. */
  since: EpochMs;
  /** The beginning of the last run. */
  startedAt: EpochMs | null;
  /** The beginning of the last run that ended well. */
  completedAt: EpochMs | null;
  /** The beginning of the last run that the host's timer began. */
  byTimerAt: EpochMs | null;
  /** A run is under way until this time at the latest; 0 if none is. */
  runsUntil: EpochMs;
}

/** The runs of one timer. All methods throw `records-unavailable`. */
export interface TimerRuns {
  /** @returns null before any process has looked at the timer */
  read(): Promise<TimerRow | null>;
  /** Makes the row, if there is none: a timer of a new deployment is silent from then on. */
  begin(): Promise<void>;
  /**
   * Claims the next run. Of several processes, one gets the run.
   *
   * @param forMs the longest duration of the run, ms. After this time another process may claim a run
   * @returns when the run began; null if another run is under way, or if another process was faster
   */
  claim(by: Starter, forMs: number): Promise<EpochMs | null>;
  /** Ends a run. @param startedAt from `claim` */
  end(startedAt: EpochMs, isComplete: boolean): Promise<void>;
}

/** The rows of all timers. */
export type AllTimerRuns = Record<TimerName, TimerRuns>;

const untouched = (now: EpochMs): TimerRow => ({
  since: now,
  startedAt: null,
  completedAt: null,
  byTimerAt: null,
  runsUntil: 0,
});

/** Opens the row of a timer. @param table the table "system" */
export function openTimerRuns(table: Table<TimerRow>, timer: TimerName, clock: Clock): TimerRuns {
  const key: Key = { partition: 'system', row: `timer-${timer}` };
  return {
    read: async () => (await table.get(key))?.value ?? null,
    async begin() {
      // An existing row is no error.
      await table.put(key, untouched(clock.now()), null);
    },
    async claim(by, forMs) {
      const found = await table.get(key);
      const now = clock.now();
      if (found && now < found.value.runsUntil) return null;
      const row: TimerRow = {
        ...(found?.value ?? untouched(now)),
        startedAt: now,
        runsUntil: now + forMs,
        ...(by === 'timer' && { byTimerAt: now }),
      };
      return (await table.put(key, row, found?.etag ?? null)) ? now : null;
    },
    async end(startedAt, isComplete) {
      const found = await table.get(key);
      // The run lasted too long, and another run has begun.
      if (found?.value.startedAt !== startedAt) return;
      const row = { ...found.value, runsUntil: 0, ...(isComplete && { completedAt: startedAt }) };
      await table.put(key, row, found.etag);
    },
  };
}
