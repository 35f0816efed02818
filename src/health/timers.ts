import type { Clock, EpochMs } from '../shared/time.js';
import { type AllTimerRuns, type TimerName, type TimerRow, timerNames } from '../storage/timerRuns.js';
import { silentAfterMs } from '../timers/supervise.js';

/** Everything that the line about the timers uses. */
export interface TimersHealthDependencies {
  timerRuns: AllTimerRuns;
  clock: Clock;
}

/** These timers have a fixed schedule of some minutes. The schedules of the others are settings. */
const frequent: readonly TimerName[] = ['redrive', 'sample'];

/**
 * When each timer last ran. The line is unhealthy if a frequent timer has not run for 15 minutes, also while other functions run the
 * redrive: a host whose timers are silent does not renew certificates either.
 */
export async function timersLine({
  timerRuns,
  clock,
}: TimersHealthDependencies): Promise<{ name: 'timers'; ok: boolean; detail: string }> {
  const name = 'timers' as const;
  const now = clock.now();
  try {
    const rows = await Promise.all(
      timerNames.map(async (timer) => [timer, await timerRuns[timer].read()] as const),
    );
    const silent = rows.filter(([timer, row]) => frequent.includes(timer) && isTimerSilent(row, now));
    const lines = rows.map(([timer, row]) => describe(timer, row, now)).join('; ');
    if (silent.length === 0) return { name, ok: true, detail: lines };
    const names = silent.map(([timer]) => timer).join(' and ');
    const advice = `the host does not run ${names} any more: see "timers-silent" in docs/runbook.md`;
    return { name, ok: false, detail: `${lines}; ${advice}` };
  } catch {
    return { name, ok: false, detail: 'unknown: the records cannot be reached' };
  }
}

function isTimerSilent(row: TimerRow | null, now: EpochMs): boolean {
  return row !== null && now - (row.byTimerAt ?? row.since) > silentAfterMs;
}

function describe(timer: TimerName, row: TimerRow | null, now: EpochMs): string {
  const completedAt = row?.completedAt ?? null;
  if (!row || completedAt === null) return `${timer} has not run yet`;
  const instead = completedAt > (row.byTimerAt ?? 0) ? ', by another function' : '';
  return `${timer} ran ${ago(now - completedAt)} ago${instead}`;
}

function ago(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7_200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3_600)} h`;
}
