import { join } from 'node:path';
import { describeError } from '../describeError.js';
import type { Host } from '../Host.js';
import { resolveSettings } from '../hostSettings.js';
import type { Trigger } from '../trigger.js';
import type { FunctionMetadata } from '../worker/core.js';
import { parseSchedule, type Schedule } from './schedule.js';
import { noTimerStore, openTimerStore, type TimerStatus } from './timerStatus.js';

/** A timer of Node cannot wait longer than 24.8 days. Waking once a day also notices a change of the system clock. */
const longestWaitMs = 24 * 60 * 60 * 1000;
/** A host that does not hold the lock tries again after this time. */
const retryLockAfterMs = 2_000;
/** The real host keeps no status for a schedule with a shorter interval. */
const leastMonitoredMs = 60_000;

export interface TimerFunction {
  metadata: FunctionMetadata;
  name: string;
  schedule: Schedule;
  runOnStartup: boolean;
}

/**
 * Runs a function by a schedule, as the real host does:
 *
 * - Only the host with the timer's lock runs the timer, one run at a time.
 * - A time that was missed while no host ran is made up at the start, once, with `IsPastDue`.
 * - A run that lasts beyond the next time is followed by the next run at once.
 * - A schedule with an interval under a minute has no status, and makes up nothing at the start.
 */
export function startTimer(
  { metadata, name, schedule, runOnStartup }: TimerFunction,
  {
    workers,
    running,
    faults,
    stateFolder,
    onEvent,
  }: Pick<Host, 'workers' | 'running' | 'faults' | 'stateFolder' | 'onEvent'>,
): Trigger {
  const store = stateFolder === null ? noTimerStore : openTimerStore(join(stateFolder, 'timers'), name);
  const isMonitored = intervalOf(schedule) >= leastMonitoredMs;
  let status: TimerStatus = { last: null, next: null };
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let isLocked = false;

  const run = (isPastDue: boolean) =>
    running.run(name, async () => {
      if (faults.stoppedTimers.includes(name)) {
        status = { ...status, next: schedule(new Date()) };
        return;
      }
      const startedAt = performance.now();
      const began = new Date();
      const ms = () => Math.round(performance.now() - startedAt);
      const json = JSON.stringify(timerInfo(isMonitored ? status : null, isPastDue));
      status = { last: began, next: schedule(began) };
      try {
        await workers.invoke(metadata, { data: { json } });
        onEvent(`${name}: timer done in ${ms()} ms`);
      } catch (error) {
        onEvent(`${name}: timer failed in ${ms()} ms: ${describeError(error)}`);
      }
      if (isMonitored) await store.write(status);
    });

  /** Waits until a time, and runs. A time in the past means at once. */
  const waitFor = (due: Date | null) => {
    if (stopped || !due) return;
    const left = due.getTime() - Date.now();
    if (left > longestWaitMs) timer = setTimeout(waitFor, longestWaitMs, due);
    else timer = setTimeout(async () => run(false).then(() => waitFor(status.next)), Math.max(1, left));
  };

  const start = async () => {
    isLocked = await store.lock();
    if (stopped) return isLocked ? store.unlock() : undefined;
    if (!isLocked) {
      timer = setTimeout(start, retryLockAfterMs);
      return;
    }
    const now = new Date();
    const stored = isMonitored ? await store.read() : null;
    const missed = stored?.next != null && stored.next < now;
    status = { last: stored?.last ?? null, next: schedule(now) };
    if (missed || runOnStartup) await run(missed);
    else if (isMonitored) await store.write(status);
    waitFor(status.next);
  };
  void start().catch((error) => onEvent(`${name}: the timer cannot start: ${describeError(error)}`));

  return {
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
    },
    close: async () => {
      if (isLocked) await store.unlock();
    },
  };
}

/** The least interval between the next times of a schedule, ms. */
function intervalOf(schedule: Schedule): number {
  let least = Number.POSITIVE_INFINITY;
  let previous: Date | null = null;
  let at: Date | null = schedule(new Date());
  for (let count = 0; at && count < 5; count += 1) {
    if (previous) least = Math.min(least, at.getTime() - previous.getTime());
    previous = at;
    at = schedule(at);
  }
  return least;
}

/** .NET's default value of a DateTime, as the real host writes the value. */
const never = '0001-01-01T00:00:00+00:00';

/** The timer object for the library. The library converts the names to camelCase. */
function timerInfo(status: TimerStatus | null, isPastDue: boolean) {
  const time = (at: Date | null) => (at ? at.toISOString().replace('Z', '+00:00') : never);
  return {
    Schedule: { AdjustForDST: true },
    ScheduleStatus: status && {
      Last: time(status.last),
      Next: time(status.next),
      LastUpdated: time(status.last),
    },
    IsPastDue: isPastDue,
  };
}

/** @throws Error if the schedule is invalid */
export function readTimerFunction(metadata: FunctionMetadata): TimerFunction {
  const trigger = Object.values(metadata.bindings).find(({ type }) => type.toLowerCase() === 'timertrigger');
  return {
    metadata,
    name: metadata.name,
    schedule: parseSchedule(resolveSettings(String(trigger?.schedule))),
    runOnStartup: trigger?.runOnStartup === true,
  };
}
