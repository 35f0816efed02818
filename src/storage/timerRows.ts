import type { Clock, EpochMs } from '../shared/time.js';
import type { Table } from './table.js';

/** The beginning of a timer's last complete run. Both methods throw `records-unavailable`. */
export interface LastRun {
  /** @returns 0 if no run was complete yet */
  read(): Promise<EpochMs>;
  /** @param at the beginning of the run */
  write(at: EpochMs): Promise<void>;
}

/** @param row the row's key in the table of the system */
export function openLastRun(table: Table<{ at: EpochMs }>, row: string): LastRun {
  const stored = timerRow(table, row);
  return {
    read: async () => (await stored.read()).value?.at ?? 0,
    write: (at) => stored.write({ at }),
  };
}

export interface PositionRow {
  after: string;
  at: EpochMs;
}

/** The progress of a timer that works through the fleet in parts. Both methods throw `records-unavailable`. */
export interface Position {
  /** The last processed uuid, or '' to start at the beginning. */
  read(): Promise<string>;
  write(after: string): Promise<void>;
}

/** @param row the row's key in the table of the system */
export function openPosition(table: Table<PositionRow>, row: string, clock: Clock): Position {
  const stored = timerRow(table, row);
  return {
    read: async () => (await stored.read()).value?.after ?? '',
    write: (after) => stored.write({ after, at: clock.now() }),
  };
}

/** After a conflict, the value of the other run stays: processing a part twice is harmless. */
function timerRow<T>(table: Table<T>, row: string) {
  const key = { partition: 'system', row };
  const read = async () => (await table.get(key)) ?? { value: null, etag: null };
  return {
    read,
    write: async (value: T): Promise<void> => void (await table.put(key, value, (await read()).etag)),
  };
}
