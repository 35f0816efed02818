import type { Clock, EpochMs } from '../shared/time.js';
import { optimisticUpdate } from '../storage/optimisticUpdate.js';
import { openSharedRow } from '../storage/sharedRow.js';
import type { Table } from '../storage/table.js';
import {
  advance,
  canTakeAhead,
  countCharged,
  countUsed,
  giveBack,
  initialRow,
  pause,
  type Rate,
  type RateLimiterRow,
  take,
  takeForKept,
  takeNow,
} from './line.js';
import type { Claim, Reservation } from './rateLimiter.js';
import { openStock, stockMs } from './stock.js';

/** The shared row of a line, as one process reads and writes the row. Methods with a result throw `records-unavailable`. */
export interface SharedLine {
  /** The row of the last reading, as it is now. */
  read(): Promise<RateLimiterRow>;
  /** Takes the next free operation, or a place in the line. */
  take(claim: Claim): Promise<Reservation>;
  /**
   * Takes an operation in the place of the one of a turn.
   *
   * @param kind `now`: only an operation that others do not use, and the turn is given back; `kept`: an operation for a turn that was
   *   released long ago
   * @returns whether there is one
   */
  takeInstead(kind: 'now' | 'kept', turn: Reservation): Promise<boolean>;
  /** Adds used or charged operations, or a reservation that is given back, to the next write. */
  count(one: 'used' | 'charged' | Reservation): void;
  /** Lets no operation begin for `ms`. */
  pause(ms: number): Promise<void>;
}

/** What a shared line uses. See `openRateLimiter`. */
export interface SharedLineOptions {
  table: Table<RateLimiterRow>;
  clock: Clock;
  row: string;
  rate: Rate;
  random: () => number;
  schedule: ((ms: number, run: () => void) => void) | undefined;
}

/** A reading of the row is used for this time. */
const freshMs = 1_000;
/** Counts are written after this time, if no other write takes them along. */
const countsMs = 1_000;
/** Conflicts make the time between two writes of a process longer. */
const shortestGapMs = 20;
const longestGapMs = 2_500;
/** A process that meets conflicts shares the rate with at least so many others, and takes no more ahead than its part. */
const leastSharers = 5;
const mostConflicts = 50;
const longestConflictMs = 2_000;

interface Caller {
  claim: Claim;
  kind: 'any' | 'now' | 'kept';
  /** The turn in whose place the operation is taken. */
  instead?: Reservation;
  resolve(reservation: Reservation | null): void;
  reject(error: unknown): void;
}

/** What the next write adds to the row. */
interface Counts {
  used: number;
  charged: number;
  returned: Reservation[];
}

const nothing = (): Counts => ({ used: 0, charged: 0, returned: [] });

/** Opens the row. All concurrent callers of a process share one write, and a busy process takes operations ahead in blocks. */
export function openSharedLine({
  table,
  clock,
  row: name,
  rate,
  random,
  schedule,
}: SharedLineOptions): SharedLine {
  const key = { partition: 'system', row: name };
  const shared = openSharedRow({ table, key, clock, initial: initialRow, freshMs });
  const stock = openStock(clock);
  let callers: Caller[] = [];
  let counts = nothing();
  let writtenAt = 0;
  /** The time between two writes. */
  let gapMs = 0;
  let flushing = false;
  let scheduledAt = Number.POSITIVE_INFINITY;

  /** The row of the last reading, as it is now. */
  async function read(): Promise<RateLimiterRow> {
    const row = structuredClone((await shared.read()).value);
    advance(row, rate, clock.now());
    return row;
  }

  /** Changes the shared row. @returns the result of the change */
  async function change<R>(apply: (row: RateLimiterRow, now: EpochMs) => R): Promise<R> {
    let conflicts = 0;
    const written = await optimisticUpdate({
      name: 'The rate limiter',
      mostConflicts,
      // Without the pause, forty instances would keep each other from writing.
      pause(count) {
        conflicts = count;
        return clock.sleep(Math.round(random() * Math.min(10 * 2 ** count, longestConflictMs)));
      },
      read: () => shared.read(),
      change(row) {
        const now = clock.now();
        advance(row, rate, now);
        const result = apply(row, now);
        advance(row, rate, now);
        return { row, result };
      },
      // The row has no stamp. A write that is repeated after a hidden success only leaves some reservations unused.
      write: ({ row }, basis) => shared.write(row, basis),
    });
    gapMs = conflicts > 0 ? Math.min(Math.max(gapMs, shortestGapMs) * 1.5, longestGapMs) : gapMs * 0.8;
    if (gapMs < shortestGapMs) gapMs = 0;
    return written!.result;
  }

  /** Serves all waiting callers, and stores the counts, with one write. */
  async function flush(): Promise<void> {
    const batch = callers;
    const added = counts;
    callers = [];
    counts = nothing();
    added.returned.push(...stock.expired());
    const mostAhead = Math.floor((rate.perMs * gapMs) / leastSharers);
    const ahead = mostAhead > 0 ? stock.wanted(clock.now() - writtenAt, mostAhead) : [];
    writtenAt = clock.now();
    let failed = false;
    try {
      const taken = await change((row, now) => {
        countCharged(row, added.charged, rate);
        countUsed(row, added.used);
        for (const each of added.returned) giveBack(row, each);
        advance(row, rate, now);
        const given = batch.map(({ claim, kind, instead }) => {
          if (kind === 'any') return take(row, rate, now, claim);
          const isTaken = kind === 'kept' ? takeForKept(row, rate, now) : takeNow(row, rate, now, claim);
          // Otherwise the turn would be released for a device that has been served, and nobody would use the turn.
          if (isTaken && kind === 'now' && instead) giveBack(row, instead, 'served');
          return isTaken ? { lane: '', turn: 0 } : null;
        });
        return { given, ahead: takeAhead(row, now, ahead) };
      });
      for (const [i, { resolve }] of batch.entries()) resolve(taken.given[i] ?? null);
      if (stock.put(taken.ahead)) schedule?.(stockMs + 1, scheduleFlush);
    } catch (error) {
      // Unwritten counts are kept for the next write. Only the callers that wait for a reservation get the error.
      counts.used += added.used;
      counts.charged += added.charged;
      counts.returned.push(...added.returned);
      for (const { reject } of batch) reject(error);
      failed = true;
    }
    // Cleared synchronously after the last check, so that a later caller starts a new flush.
    flushing = false;
    if (callers.length > 0) scheduleFlush();
    // Counts that could not be written wait for the next event.
    else if (!failed && counts.used + counts.charged + counts.returned.length > 0) scheduleCounts();
  }

  function takeAhead(row: RateLimiterRow, now: EpochMs, wanted: [Claim, number][]): [Claim, Reservation[]][] {
    return wanted.map(([claim, count]) => {
      const taken: Reservation[] = [];
      while (taken.length < count && canTakeAhead(row, rate, now, claim))
        taken.push(take(row, rate, now, claim));
      return [claim, taken];
    });
  }

  /** Writes in a microtask, so that all callers of this turn of the event loop share the write. While conflicts are frequent, later. */
  function scheduleFlush(leastMs = 0): void {
    if (flushing) return;
    const wait = writtenAt + Math.max(gapMs, leastMs) - clock.now();
    if (!schedule || wait <= 0) {
      flushing = true;
      queueMicrotask(flush);
      return;
    }
    const at = clock.now() + wait;
    if (scheduledAt <= at) return;
    scheduledAt = at;
    schedule(wait, () => {
      scheduledAt = Number.POSITIVE_INFINITY;
      scheduleFlush();
    });
  }

  /** Counts wait for the next write, but not for long. */
  const scheduleCounts = () => scheduleFlush(countsMs);

  function ask(claim: Claim, kind: Caller['kind'], instead?: Reservation): Promise<Reservation | null> {
    return new Promise((resolve, reject) => {
      callers.push({ claim, kind, ...(instead && { instead }), resolve, reject });
      scheduleFlush();
    });
  }

  return {
    read,
    take: async (claim) => stock.take(claim) ?? (await ask(claim, 'any'))!,
    takeInstead: async (kind, turn) => (await ask({}, kind, turn)) !== null,
    count(one) {
      if (one === 'used' || one === 'charged') counts[one] += 1;
      else counts.returned.push(one);
      scheduleCounts();
    },
    pause: (ms) => change((row, now) => pause(row, now, ms)),
  };
}
