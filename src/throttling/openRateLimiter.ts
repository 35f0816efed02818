import { ProvisioningError } from '../shared/errors.js';
import type { Clock } from '../shared/time.js';
import { openSharedRow } from '../storage/sharedRow.js';
import type { Table } from '../storage/table.js';
import { abandonedAfterMs, type RateLimiter, type Reservation } from './rateLimiter.js';

/** Virtual time: the hub's throttling is taken out of it, so that one shift moves every slot that was reserved. */
export interface RateLimiterRow {
  /** The next free slot (virtual ms). */
  next: number;
  /** What real time is ahead of virtual time (ms). */
  shift: number;
  /** Until when the hub asked us to wait, Unix ms. */
  pausedUntil: number;
  /**
   * Up to where slots were used, Unix ms. If that is more than `missedMs` ago, so many were missed: nobody who has reserved them
   * takes them any more. Only counted while slots are reserved ahead.
   */
  used: number;
}

const initial: RateLimiterRow = { next: 0, shift: 0, pausedUntil: 0, used: 0 };
const key = { partition: 'system', row: 'rateLimiter' };
/** A reading is trusted this long: a slot may be told a second late of a shift, and the hub delays before it refuses. */
const freshMs = 1_000;
const creditMs = 5_000;
/** Slots that are further away are waited for in the queue: it takes a delivery and a send, which cost less than a worker's place. */
const nearMs = 5_000;
/** Of the 16 calls that a host makes at a time: the others are to take up messages that could go at once, or be scheduled. */
const mostWaiting = 4;
/**
 * Not worth a delivery, however many wait: at the 83 a second of one S3 unit the 16 calls of a host are 200 ms apart together, and
 * a backlog flows without being scheduled first, which would cost as much as a third of its work.
 */
const momentMs = 250;
/** Operations at their own slots are written down together: what is a little late leaves a little less room later. */
const countEveryMs = 500;
const mostConflicts = 50;
const longestConflictMs = 500;

/**
 * The generic cell rate algorithm over one shared row: slot after slot, an interval apart, none before now. All that wait in
 * one process share one write.
 *
 * @param perMinute registry operations that the hub allows in a minute
 * @param random between 0 and 1
 */
export function openRateLimiter({
  table,
  clock,
  perMinute,
  random = Math.random,
}: {
  table: Table<RateLimiterRow>;
  clock: Clock;
  perMinute: number;
  random?: () => number;
}): RateLimiter {
  const interval = 60_000 / perMinute;
  const shared = openSharedRow({
    table,
    key,
    clock,
    initial,
    freshMs,
  });
  let credits: { reservation: Reservation; until: number }[] = [];
  let waiting: { resolve(reservation: Reservation): void; reject(error: unknown): void }[] = [];
  let charges = 0;
  let taken = 0;
  let countedAt = 0;
  let inMemory = 0;
  let flushing = false;

  const read = async () => (await shared.read()).value;

  /** Changes the row on its ETag; a conflict reads it again. */
  async function change<R>(f: (row: RateLimiterRow) => R): Promise<R> {
    for (let tries = 0; tries < mostConflicts; tries += 1) {
      // Forty instances at once would otherwise keep each other from writing.
      if (tries > 0) await clock.sleep(Math.round(random() * Math.min(5 * 2 ** tries, longestConflictMs)));
      const basis = await shared.read();
      const value = { ...basis.value };
      const result = f(value);
      if (await shared.write(value, basis)) return result;
    }
    throw new ProvisioningError('records-unavailable', 'The pace is being changed too often.');
  }

  async function flush(): Promise<void> {
    let failed = false;
    do {
      const batch = waiting;
      const extra = charges;
      const onTime = taken;
      waiting = [];
      charges = 0;
      taken = 0;
      countedAt = clock.now();
      try {
        const given = await change((row) => take(row, batch.length, extra, onTime));
        for (const [i, { resolve }] of batch.entries()) resolve(given[i] ?? 0);
        failed = false;
      } catch (error) {
        // What was done and could not be written down is not worth an error: it is written with whatever comes next.
        charges += extra;
        taken += onTime;
        for (const { reject } of batch) reject(error);
        failed = true;
      }
    } while (waiting.length > 0 || (charges > 0 && !failed));
    // In the same turn as the last look: whoever asks from here on starts the next.
    flushing = false;
  }

  function take(row: RateLimiterRow, wanted: number, extra: number, onTime: number): Reservation[] {
    const now = clock.now();
    const missed = now - abandonedAfterMs;
    const reservations: Reservation[] = [];
    row.next = Math.max(row.next, now - row.shift);
    const isAhead = () => row.next + row.shift - now > momentMs;
    // Where nothing is reserved ahead, nothing was missed.
    row.used = isAhead() ? Math.max(row.used, missed) + (onTime + extra) * interval : now;
    while (reservations.length < wanted) {
      if (isAhead() && row.used <= missed + momentMs) {
        reservations.push(Math.round(row.used - row.shift));
        row.used += interval;
      } else {
        reservations.push(Math.round(row.next));
        row.next += interval;
      }
    }
    row.next += extra * interval;
    return reservations;
  }

  /** In the next turn, so that all that was asked for in this one shares the write. */
  function start(): void {
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
        waiting.push({ resolve, reject });
        start();
      });
    },
    async markUsed(reservation) {
      const { next, shift } = await read().catch(() => initial);
      const now = clock.now();
      if (next + shift - now <= momentMs) return;
      // One that was missed was counted when it was given.
      if (now - reservation - shift >= abandonedAfterMs - momentMs) return;
      taken += 1;
      if (now - countedAt >= countEveryMs) start();
    },
    due,
    async waitFor(reservation) {
      const at = await due(reservation);
      const wait = at - clock.now();
      if (wait <= 0) return null;
      if (wait > (inMemory < mostWaiting ? nearMs : momentMs)) return at;
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
      start();
    },
    async delayAll(ms) {
      try {
        await change((row) => {
          const now = clock.now();
          // Several workers meet the same throttling: together they ask for one wait, and not for the sum.
          row.shift += Math.max(0, ms - Math.max(0, row.pausedUntil - now));
          row.pausedUntil = Math.max(row.pausedUntil, now + ms);
          row.used = Math.max(row.used, row.pausedUntil);
        });
      } catch {
        // It could not be written down: the next 429 tries again.
      }
    },
    async nextFree() {
      const { next, shift } = await read();
      return Math.max(next + shift, clock.now());
    },
  };
}
