import type { EpochMs } from '../shared/time.js';
import { type AllTimerRuns, type TimerName, type TimerRow, timerNames } from '../storage/timerRuns.js';
import { silentAfterMs } from '../timers/supervise.js';

/** A timer with its row; null before any process has looked at the timer. */
export interface TimerFact {
  timer: TimerName;
  row: TimerRow | null;
}

/** These timers have a fixed schedule of some minutes. The schedules of the others are settings. */
const frequent: readonly TimerName[] = ['redrive', 'sample'];

/** Reads the rows of all timers. @returns null if the records cannot be reached */
export async function readTimerFacts(timerRuns: AllTimerRuns): Promise<TimerFact[] | null> {
  try {
    return await Promise.all(
      timerNames.map(async (timer) => ({ timer, row: await timerRuns[timer].read() })),
    );
  } catch {
    return null;
  }
}

/** The frequent timers that the host has not run for 15 minutes, and since when. */
export function silentTimers(facts: readonly TimerFact[], now: EpochMs) {
  return facts.flatMap(({ timer, row }) => {
    if (!row || !frequent.includes(timer)) return [];
    const since = row.byTimerAt ?? row.since;
    return now - since > silentAfterMs ? [{ timer, since }] : [];
  });
}

/**
 * When each timer last ran. The line is unhealthy if a frequent timer has not run for 15 minutes, also while other functions run the
 * redrive: a host whose timers are silent does not renew certificates either.
 */
export function timersLine(facts: readonly TimerFact[] | null, now: EpochMs) {
  const name = 'timers' as const;
  if (!facts) return { name, ok: false, detail: 'unknown: the records cannot be reached' };
  const lines = facts.map(({ timer, row }) => describe(timer, row, now)).join('; ');
  const silent = silentTimers(facts, now);
  if (silent.length === 0) return { name, ok: true, detail: lines };
  const names = silent.map(({ timer }) => timer).join(' and ');
  const advice = `the host does not run ${names} any more: see "timers-silent" in docs/runbook.md`;
  return { name, ok: false, detail: `${lines}; ${advice}` };
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
