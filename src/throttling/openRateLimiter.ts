import type { Clock, EpochMs } from '../shared/time.js';
import { optimisticUpdate } from '../storage/optimisticUpdate.js';
import { openSharedRow } from '../storage/sharedRow.js';
import type { Table } from '../storage/table.js';
import { abandonedAfterMs, type RateLimiter, type Reservation } from './rateLimiter.js';

/** The shared row. Virtual time leaves out the hub's throttling, so that one change of `shift` moves all reservations. */
export interface RateLimiterRow {
  /** The next free moment, in virtual ms. */
  next: number;
  /** Real time minus virtual time, ms. */
  shift: number;
  /** The end of the wait that the hub requested. */
  pausedUntil: EpochMs;
  /**
   * Operations have used the reservations up to this moment. If this moment lies more than `abandonedAfterMs` in the past, the reservations
   * after this moment are treated as abandoned and handed out again. The moment is maintained only while operations are reserved ahead.
   */
  usedUntil: EpochMs;
}

const initial: RateLimiterRow = { next: 0, shift: 0, pausedUntil: 0, usedUntil: 0 };
/** A reading of the row is used for this time. An operation may miss a new shift for one second, but the hub delays before it throttles. */
const freshMs = 1_000;
/** A returned reservation can be used again by the same process for this time. */
const creditMs = 5_000;
/** Jobs with a later reservation wait in the queue. One more delivery and one more send cost less than an occupied worker. */
const nearMs = 5_000;
/** The most calls that wait in memory, of the 16 concurrent calls of a host. The other calls handle messages that are due now or need scheduling. */
const mostWaiting = 4;
/**
 * A wait this short always happens in memory. At the 83 operations a second of one S3 unit, 16 concurrent calls cover about 200 ms.
 * Scheduling the messages of such a backlog first would cost a third of the work.
 */
const shortWaitMs = 250;
/** Used reservations are written together at this interval. A late count only hands out slightly fewer reservations. */
const countEveryMs = 500;
const mostConflicts = 50;
const longestConflictMs = 500;

/**
 * The generic cell rate algorithm over one shared row. Reservations are one interval apart and never in the past. All concurrent callers
 * of a process share one write.
 *
 * @param perMinute the limit of operations a minute
 * @param row the name of the shared row
 * @param random returns a number between 0 and 1
 */
export function openRateLimiter({
  table,
  clock,
  perMinute,
  row: name = 'rateLimiter',
  random = Math.random,
}: {
  table: Table<RateLimiterRow>;
  clock: Clock;
  perMinute: number;
  row?: string;
  random?: () => number;
}): RateLimiter {
  const interval = 60_000 / perMinute;
  const key = { partition: 'system', row: name };
  const shared = openSharedRow({ table, key, clock, initial, freshMs });
  let credits: { reservation: Reservation; until: EpochMs }[] = [];
  /** The callers that wait for a reservation. */
  let callers: { resolve(reservation: Reservation): void; reject(error: unknown): void }[] = [];
  /** Operations without a reservation since the last write. */
  let charges = 0;
  /** Reservations that were used since the last write. */
  let usedCount = 0;
  let countedAt = 0;
  /** Calls that wait in memory for their reservation. */
  let inMemory = 0;
  let flushing = false;

  const read = async () => (await shared.read()).value;

  /** Changes the shared row. @returns the result of the change */
  async function change<R>(apply: (row: RateLimiterRow) => R): Promise<R> {
    const written = await optimisticUpdate({
      name: 'The rate limiter',
      mostConflicts,
      // Without the pause, forty instances would keep each other from writing.
      pause: (conflicts) =>
        clock.sleep(Math.round(random() * Math.min(5 * 2 ** conflicts, longestConflictMs))),
      read: () => shared.read(),
      change: (row) => ({ row, result: apply(row) }),
      // The row has no stamp. A write that is repeated after a hidden success only leaves some reservations unused.
      write: ({ row }, basis) => shared.write(row, basis),
    });
    return written!.result;
  }

  /** Serves all waiting callers, and stores the counts, with one write at a time. */
  async function flush(): Promise<void> {
    let failed = false;
    do {
      const batch = callers;
      const charged = charges;
      const used = usedCount;
      callers = [];
      charges = 0;
      usedCount = 0;
      countedAt = clock.now();
      try {
        const given = await change((row) =>
          take(row, { wanted: batch.length, charged, used, interval, now: clock.now() }),
        );
        for (const [i, { resolve }] of batch.entries()) resolve(given[i] ?? 0);
        failed = false;
      } catch (error) {
        // Unwritten counts are kept for the next write. Only the callers that wait for a reservation get the error.
        charges += charged;
        usedCount += used;
        for (const { reject } of batch) reject(error);
        failed = true;
      }
    } while (callers.length > 0 || (charges > 0 && !failed));
    // Cleared synchronously after the last check, so that a later caller starts a new flush.
    flushing = false;
  }

  /** Writes in a microtask, so that all callers of this turn of the event loop share the write. */
  function scheduleFlush(): void {
    if (flushing) return;
    flushing = true;
    queueMicrotask(flush);
  }

  async function due(reservation: Reservation): Promise<number> {
    return Math.round(reservation + (await read()).shift);
  }

  return {
    async reserve() {
      const now = clock.now();
      credits = credits.filter(({ until }) => until > now);
      const credit = credits.shift();
      if (credit) return credit.reservation;
      return new Promise((resolve, reject) => {
        callers.push({ resolve, reject });
        scheduleFlush();
      });
    },
    async markUsed(reservation) {
      const { next, shift } = await read().catch(() => initial);
      const now = clock.now();
      if (next + shift - now <= shortWaitMs) return;
      // A reservation that was abandoned and handed out again has been counted already.
      if (now - reservation - shift >= abandonedAfterMs - shortWaitMs) return;
      usedCount += 1;
      if (now - countedAt >= countEveryMs) scheduleFlush();
    },
    due,
    async waitFor(reservation) {
      const at = await due(reservation);
      const wait = at - clock.now();
      if (wait <= 0) return null;
      if (wait > (inMemory < mostWaiting ? nearMs : shortWaitMs)) return at;
      inMemory += 1;
      await clock.sleep(wait);
      inMemory -= 1;
      return null;
    },
    release(reservation) {
      credits.push({ reservation, until: clock.now() + creditMs });
    },
    charge() {
      charges += 1;
      scheduleFlush();
    },
    async delayAll(ms) {
      try {
        await change((row) => {
          const now = clock.now();
          // Several workers meet the same throttling. The delays must not add up.
          row.shift += Math.max(0, ms - Math.max(0, row.pausedUntil - now));
          row.pausedUntil = Math.max(row.pausedUntil, now + ms);
          row.usedUntil = Math.max(row.usedUntil, row.pausedUntil);
        });
      } catch {
        // After a failed write, the next 429 writes the delay.
      }
    },
    async pausedUntil() {
      return (await read()).pausedUntil;
    },
    async nextFree() {
      const { next, shift } = await read();
      return Math.max(next + shift, clock.now());
    },
  };
}

interface Demand {
  /** The number of wanted reservations. */
  wanted: number;
  /** The number of operations without a reservation since the last write. */
  charged: number;
  /** The number of reservations that were used since the last write. */
  used: number;
  /** The time between two operations at the hub's limit, ms. */
  interval: number;
  now: EpochMs;
}

/**
 * Takes reservations from the row, and adds the counts to the row. If operations are reserved ahead, abandoned reservations are handed out
 * first.
 */
function take(row: RateLimiterRow, { wanted, charged, used, interval, now }: Demand): Reservation[] {
  const abandonedBefore = now - abandonedAfterMs;
  const reservations: Reservation[] = [];
  row.next = Math.max(row.next, now - row.shift);
  const isAhead = () => row.next + row.shift - now > shortWaitMs;
  // If no operation is reserved ahead, no reservation was abandoned.
  row.usedUntil = isAhead() ? Math.max(row.usedUntil, abandonedBefore) + (used + charged) * interval : now;
  while (reservations.length < wanted) {
    if (isAhead() && row.usedUntil <= abandonedBefore + shortWaitMs) {
      reservations.push(Math.round(row.usedUntil - row.shift));
      row.usedUntil += interval;
    } else {
      reservations.push(Math.round(row.next));
      row.next += interval;
    }
  }
  row.next += charged * interval;
  return reservations;
}
