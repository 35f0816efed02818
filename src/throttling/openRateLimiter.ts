import { openMemory } from '../shared/memory.js';
import type { Clock, EpochMs } from '../shared/time.js';
import type { Table } from '../storage/table.js';
import { dueOf, isKept, keptDue, nextFreeOf, type RateLimiterRow, rateOf, waitingOf } from './line.js';
import type { RateLimiter, Reservation } from './rateLimiter.js';
import { openSharedLine } from './sharedLine.js';

export type { RateLimiterRow } from './line.js';

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
/** A run that has taken another operation uses the operation within this time. Afterwards the work takes another one. */
const insteadMs = 2 * 60_000;
/** Two minutes at the rate of ten units of S3. */
const mostInstead = 100_000;

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
  row = 'rateLimiter',
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
  const line = openSharedLine({ table, clock, row, rate, random, schedule });
  /** Turns in whose place another operation was taken, which is counted already. */
  const takenInstead = openMemory<true>(clock, insteadMs, mostInstead);
  /** Calls that wait in memory for their reservation. */
  let inMemory = 0;

  const due = async (reservation: Reservation) => dueOf(await line.read(), rate, clock.now(), reservation);

  /**
   * When work with a turn that is expected at a moment should look again. The looks are spread at random, because a fleet boots at once: the
   * looks of 10,000 devices then cost at most 113 credits in a second, and 932 without the spread.
   */
  function wakeAt(row: RateLimiterRow, at: EpochMs): EpochMs {
    const wait = at - clock.now();
    if (wait <= longWaitMs) return at;
    const fairShareMs = waitingOf(row) / Math.min(looksPerTurn * rate.perMs, mostLooksPerMs);
    const lookMs = Math.max(longWaitMs, Math.min(fairShareMs, wait / 2));
    return Math.round(Math.min(at, clock.now() + lookMs * (0.75 + random() / 2)));
  }

  /** Takes another operation than the one of the turn. @returns whether there is one */
  async function takeInstead(reservation: Reservation, kind: 'now' | 'kept'): Promise<boolean> {
    if (!(await line.takeInstead(kind, reservation))) return false;
    takenInstead.add(idOf(reservation), true);
    return true;
  }

  /** The moment at which a released turn may be used; null if now. */
  async function whenReleased(row: RateLimiterRow, reservation: Reservation): Promise<EpochMs | null> {
    if (!isKept(row, rate, reservation) || (await takeInstead(reservation, 'kept'))) return null;
    return Math.round(keptDue(row, rate, clock.now()) + random() * nearMs);
  }

  return {
    reserve: (claim = {}) => line.take(claim),
    due,
    async wakeAt(reservation) {
      const row = await line.read();
      return wakeAt(row, dueOf(row, rate, clock.now(), reservation));
    },
    async waitFor(reservation) {
      for (let waitedMs = 0; ; ) {
        if (takenInstead.get(idOf(reservation))) return null;
        const row = await line.read();
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
      if (reservation.turn > 0 && !takenInstead.forget(idOf(reservation))) line.count('used');
    },
    release(reservation) {
      const isCounted = takenInstead.forget(idOf(reservation));
      line.count(isCounted ? { ...reservation, turn: 0 } : reservation);
    },
    charge: () => line.count('charged'),
    async delayAll(ms) {
      // After a failed write, the next 429 writes the delay.
      await line.pause(ms).catch(() => {});
    },
    nextFree: async (claim = {}) => nextFreeOf(await line.read(), rate, clock.now(), claim),
    pausedUntil: async () => (await line.read()).at,
  };
}

const idOf = ({ lane, turn }: Reservation) => `${lane}/${turn}`;
