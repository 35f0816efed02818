import type { Clock } from '../../src/shared/time.js';
import type { Table } from '../../src/storage/table.js';
import { type AllTimerRuns, openTimerRuns, type TimerRow, timerNames } from '../../src/storage/timerRuns.js';
import { memoryTable } from './memoryTable.js';

/** The rows of all timers, in a table in memory. */
export function timerRunsIn(clock: Clock, table: Table<TimerRow> = memoryTable<TimerRow>()): AllTimerRuns {
  const entries = timerNames.map((timer) => [timer, openTimerRuns(table, timer, clock)] as const);
  return Object.fromEntries(entries) as AllTimerRuns;
}
