import { withDeadline } from '../shared/network.js';
import type { AllTimerRuns, Starter, TimerName } from '../storage/timerRuns.js';
import { productMetrics } from '../telemetry/metrics.js';

/** One run of a timer. */
export interface TimerRun {
  timer: TimerName;
  by: Starter;
  /** The deadline of the run, ms. */
  mostMs: number;
  /** Gets a signal that is aborted at the deadline. */
  run(signal: AbortSignal): Promise<unknown>;
}

/** Other functions run these timers while the host does not. Of the other timers, the lock of the host allows one run at a time. */
const supervised: readonly TimerName[] = ['redrive'];
/** After its deadline a run may still end a call that it has begun. */
const graceMs = 30_000;

/**
 * Runs a timer's work, with a deadline, and only if no other run of the timer is under way.
 *
 * @returns false if another run is under way
 * @throws CallTimeout at the deadline; the errors of `run`; `records-unavailable`
 */
export async function runTimer(
  timerRuns: AllTimerRuns,
  { timer, by, mostMs, run }: TimerRun,
): Promise<boolean> {
  const runs = timerRuns[timer];
  const startedAt = await runs.claim(by, supervised.includes(timer) ? mostMs + graceMs : 0);
  if (startedAt === null) return false;
  let isComplete = false;
  try {
    await withDeadline(mostMs, run);
    isComplete = true;
    productMetrics().timerRan(timer, by);
  } finally {
    // A row that cannot be written frees the timer at the end of the claimed time.
    await runs.end(startedAt, isComplete).catch(() => {});
  }
  return true;
}
