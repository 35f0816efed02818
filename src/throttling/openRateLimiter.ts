import type { Clock, EpochMs } from '../shared/time.js';
import { optimisticUpdate } from '../storage/optimisticUpdate.js';
import { openSharedRow } from '../storage/sharedRow.js';
import type { Table } from '../storage/table.js';
import {
  advance,
  canTakeAhead,
  countCharged,
  countUsed,
  dueOf,
  giveBack,
  initialRow,
  isKept,
  keptDue,
  nextFreeOf,
  pause,
  type RateLimiterRow,
  rateOf,
  take,
  takeForKept,
  takeNow,
  waitingOf,
} from './line.js';
import type { Claim, RateLimiter, Reservation } from './rateLimiter.js';

export type { RateLimiterRow } from './line.js';

/** A reading of the row is used for this time. */
const freshMs = 1_000;
/** Jobs with a later reservation wait in the queue. One more delivery and one more send cost less than an occupied worker. */
const nearMs = 5_000;
/** The most calls that wait in memory, of the 16 concurrent calls of a host. The other calls handle messages that are due now or need scheduling. */
const mostWaiting = 4;
/**
 * A wait this short always happens in memory. At the 83 operations a second of one S3 unit, 16 concurrent calls cover about 200 ms.
 * Scheduling the messages of such a backlog first would cost a third of the work.
 */
const shortWaitMs = 250;
/** Work that waits longer than this looks again from time to time, because more units can speed up the line. */
const longWaitMs = 150_000;
/** So many devices look again for each released turn. If the rate rises tenfold, the whole rate is used at once. */
const looksPerTurn = 10;
/** The most looks a second of all devices. A look is a delivery and a send: two of the 1,000 credits of Service Bus Standard. */
const mostLooksPerMs = 70 / 1_000;
/** Counts are written after this time, if no other write takes them along. */
const countsMs = 1_000;
/** Conflicts make the time between two writes of a process longer. */
const shortestGapMs = 20;
const longestGapMs = 2_500;
/** A process that meets conflicts shares the rate with at least so many others, and takes no more ahead than its part. */
const leastSharers = 5;
/** The shortest time in which calls are counted for the next block. */
const shortestSampleMs = 250;
/** A process takes ahead what its calls need in this time. */
const aheadMs = 2_500;
/** Operations that nobody has used within this time are given back. */
const stockMs = 5_000;
const mostConflicts = 50;
const longestConflictMs = 2_000;

interface Caller {
  claim: Claim;
  /** `now`: only an operation that others do not use; `kept`: an operation for a turn that was released long ago. */
  kind: 'any' | 'now' | 'kept';
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

/**
 * A line over one shared row. All concurrent callers of a process share one write, and a busy process takes operations ahead in blocks.
 *
 * @param perMinute the limit of operations a minute
 * @param clock a clock that follows the table's clock: see `openServerClock`
 * @param row the name of the shared row
 * @param random returns a number between 0 and 1
 * @param schedule runs a function after `ms`; default: at once, so that every count is one write
 */
export function openRateLimiter({
  table,
  clock,
  perMinute,
  row: name = 'rateLimiter',
  random = Math.random,
  schedule,
}: {
  table: Table<RateLimiterRow>;
  clock: Clock;
  perMinute: number;
  row?: string;
  random?: () => number;
  schedule?: (ms: number, run: () => void) => void;
}): RateLimiter {
  const rate = rateOf(perMinute);
  const key = { partition: 'system', row: name };
  const shared = openSharedRow({ table, key, clock, initial: initialRow, freshMs });
  const stock = openStock(clock);
  let callers: Caller[] = [];
  let counts = nothing();
  let writtenAt = 0;
  /** The time between two writes. */
  let gapMs = 0;
  /** Turns in whose place another operation was taken, which is counted already. */
  const countedBefore = new Set<string>();
  /** Calls that wait in memory for their reservation. */
  let inMemory = 0;
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
        const given = batch.map(({ claim, kind }) => {
          if (kind === 'any') return take(row, rate, now, claim);
          const isTaken = kind === 'kept' ? takeForKept(row, rate, now) : takeNow(row, rate, now, claim);
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

  function ask(claim: Claim, kind: Caller['kind']): Promise<Reservation | null> {
    return new Promise((resolve, reject) => {
      callers.push({ claim, kind, resolve, reject });
      scheduleFlush();
    });
  }

  const due = async (reservation: Reservation) => dueOf(await read(), rate, clock.now(), reservation);

  /** When work with a turn that is expected at a moment should look again. The looks are spread at random, because a fleet boots at once. */
  function wakeAt(row: RateLimiterRow, at: EpochMs): EpochMs {
    const wait = at - clock.now();
    if (wait <= longWaitMs) return at;
    const fairShareMs = waitingOf(row) / Math.min(looksPerTurn * rate.perMs, mostLooksPerMs);
    const lookMs = Math.max(longWaitMs, Math.min(fairShareMs, wait / 2));
    return Math.round(Math.min(at, clock.now() + lookMs * (0.75 + random() / 2)));
  }

  /** Takes another operation than the one of the turn. @returns whether there is one */
  async function takeInstead(reservation: Reservation, kind: 'now' | 'kept'): Promise<boolean> {
    if (!(await ask({}, kind))) return false;
    countedBefore.add(idOf(reservation));
    return true;
  }

  /** The moment at which a released turn may be used; null if now. */
  async function whenReleased(row: RateLimiterRow, reservation: Reservation): Promise<EpochMs | null> {
    if (!isKept(row, rate, reservation) || (await takeInstead(reservation, 'kept'))) return null;
    return Math.round(keptDue(row, rate, clock.now()) + random() * nearMs);
  }

  return {
    async reserve(claim = {}) {
      const ready = stock.take(claim);
      return ready ?? (await ask(claim, 'any'))!;
    },
    due,
    async wakeAt(reservation) {
      const row = await read();
      return wakeAt(row, dueOf(row, rate, clock.now(), reservation));
    },
    async waitFor(reservation) {
      for (let waitedMs = 0; ; ) {
        if (countedBefore.has(idOf(reservation))) return null;
        const row = await read();
        const at = dueOf(row, rate, clock.now(), reservation);
        const wait = at - clock.now();
        if (wait <= 0) return whenReleased(row, reservation);
        const isNear = wait <= shortWaitMs || (inMemory < mostWaiting && wait + waitedMs <= nearMs);
        const mayGo = !isNear && row.open > rate.manyOpen && (await takeInstead(reservation, 'now'));
        if (!isNear) return mayGo ? null : wakeAt(row, at);
        inMemory += 1;
        await clock.sleep(wait);
        inMemory -= 1;
        waitedMs += wait;
      }
    },
    markUsed(reservation) {
      if (reservation.turn === 0 || countedBefore.delete(idOf(reservation))) return;
      counts.used += 1;
      scheduleCounts();
    },
    release(reservation) {
      const isCounted = countedBefore.delete(idOf(reservation));
      counts.returned.push(isCounted ? { ...reservation, turn: 0 } : reservation);
      scheduleCounts();
    },
    charge() {
      counts.charged += 1;
      scheduleCounts();
    },
    async delayAll(ms) {
      // After a failed write, the next 429 writes the delay.
      await change((row, now) => pause(row, now, ms)).catch(() => {});
    },
    nextFree: async (claim = {}) => nextFreeOf(await read(), rate, clock.now(), claim),
    pausedUntil: async () => (await read()).at,
  };
}

const idOf = ({ lane, turn }: Reservation) => `${lane}/${turn}`;

/** The operations that a busy process has taken ahead, by claim. Each is used soon, or given back. */
function openStock(clock: Clock) {
  const shelves = new Map<
    string,
    { claim: Claim; calls: number; ready: { at: EpochMs; one: Reservation }[] }
  >();
  const shelfOf = (claim: Claim) => {
    const id = `${claim.isUrgent ? '!' : ''}${claim.fleet ?? ''}`;
    const shelf = shelves.get(id) ?? { claim, calls: 0, ready: [] };
    shelves.set(id, shelf);
    return shelf;
  };
  return {
    take(claim: Claim): Reservation | undefined {
      const shelf = shelfOf(claim);
      shelf.calls += 1;
      const [first] = shelf.ready;
      if (!first || clock.now() - first.at > stockMs) return undefined;
      shelf.ready.shift();
      return first.one;
    },
    /** @returns whether there was anything to put */
    put(taken: [Claim, Reservation[]][]): boolean {
      const at = clock.now();
      for (const [claim, reservations] of taken)
        shelfOf(claim).ready.push(...reservations.map((one) => ({ at, one })));
      return taken.some(([, { length }]) => length > 0);
    },
    /** Takes what nobody has used off the shelves. */
    expired(): Reservation[] {
      const before = clock.now() - stockMs;
      return [...shelves.values()].flatMap((shelf) => {
        const old = shelf.ready.filter(({ at }) => at < before);
        shelf.ready = shelf.ready.filter(({ at }) => at >= before);
        return old.map(({ one }) => one);
      });
    },
    /** How many operations a busy process needs until its next write, by its calls since the last write. */
    wanted(sinceMs: number, most: number): [Claim, number][] {
      const needed = [...shelves.values()].map(({ claim, calls, ready }): [Claim, number] => {
        const soon = Math.floor((calls * aheadMs) / Math.max(sinceMs, shortestSampleMs));
        return [claim, claim.isUrgent ? 0 : Math.min(soon, most) - ready.length];
      });
      for (const [id, shelf] of shelves) {
        shelf.calls = 0;
        if (shelf.ready.length === 0) shelves.delete(id);
      }
      return needed.filter(([, count]) => count > 0);
    },
  };
}
