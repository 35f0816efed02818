import { openRateLimiter, type RateLimiterRow } from '../../../src/throttling/openRateLimiter.js';
import { handClock } from '../../support/handClock.js';
import { memoryTable } from '../../support/memoryTable.js';

const now = 1_800_000_000_000;

/** Two processes that share a rate of one operation a second. */
function open() {
  const table = memoryTable<RateLimiterRow>();
  const clock = handClock(now);
  const start = () => openRateLimiter({ table, clock, perMinute: 60, random: () => 0 });
  return { table, clock, one: start(), two: start() };
}

const reserve = (rateLimiter: ReturnType<typeof openRateLimiter>, times: number) =>
  Promise.all(Array.from({ length: times }, () => rateLimiter.reserve()));

test('the first slot is now, and each further one an interval later', async () => {
  const { one } = open();
  expect(await reserve(one, 3)).toEqual([now, now + 1_000, now + 2_000]);
});

test('all that wait in one process share one write', async () => {
  const { one, table } = open();
  await reserve(one, 100);
  expect(table.writes).toBe(1);
});

test('two processes never get the same slot', async () => {
  const { one, two } = open();
  const reservations = (await Promise.all([reserve(one, 20), reserve(two, 20), reserve(one, 20)])).flat();
  expect(new Set(reservations).size).toBe(60);
});

test('a slot that was not taken is not made up for: the pace starts again from now', async () => {
  const { one, clock } = open();
  await one.reserve();
  clock.at += 60_000;
  expect(await reserve(one, 2)).toEqual([clock.at, clock.at + 1_000]);
});

test('throttling moves every slot that is reserved, and every slot to come', async () => {
  const { one, two, clock } = open();
  const [, second] = await reserve(one, 2);
  await two.delayAll(30_000);
  clock.at += 1_000;
  expect(await one.due(second!)).toBe(now + 31_000);
  expect(await two.due(await two.reserve())).toBe(now + 32_000);
});

test('several workers that meet the same throttling ask for one wait', async () => {
  const { one, two, clock } = open();
  const reservation = await one.reserve();
  await Promise.all([one.delayAll(30_000), two.delayAll(30_000)]);
  clock.at += 10_000;
  await one.delayAll(30_000);
  clock.at += 1_000;
  expect(await two.due(reservation)).toBe(now + 40_000);
});

test('a slot that is given back is the next to be taken, for five seconds and in the same process', async () => {
  const { one, two, clock } = open();
  const reservation = await one.reserve();
  one.release(reservation);
  expect(await two.reserve()).toBe(now + 1_000);
  expect(await one.reserve()).toBe(reservation);
  one.release(reservation);
  clock.at += 5_000;
  expect(await one.reserve()).toBe(clock.at);
});

test('a further operation of a run moves the next slot, and nobody waits for it', async () => {
  const { one } = open();
  await one.reserve();
  one.charge();
  one.charge();
  await new Promise(setImmediate);
  expect(await one.reserve()).toBe(now + 3_000);
});

test('the next free slot is told from a reading up to a second old, and never in the past', async () => {
  const { one, two, clock } = open();
  expect(await one.nextFree()).toBe(now);
  await reserve(two, 10);
  expect(await one.nextFree()).toBe(now);
  clock.at += 1_000;
  expect(await one.nextFree()).toBe(now + 10_000);
  clock.at += 60_000;
  expect(await one.nextFree()).toBe(clock.at);
});

test('where the records cannot be reached, to reserve fails, and the hints do not', async () => {
  const { one, table } = open();
  table.fails = true;
  one.charge();
  await one.delayAll(1_000);
  await expect(one.reserve()).rejects.toThrow('cannot be reached');
  table.fails = false;
  expect(await one.reserve()).toBe(now);
});

test('a near slot is waited for in memory, and a far one is not', async () => {
  const { one, clock } = open();
  const reservations = await reserve(one, 10);
  expect(await one.waitFor(reservations[0]!)).toBeNull();
  expect(await one.waitFor(reservations[9]!)).toBe(reservations[9]);
  expect(clock.at).toBe(now);
  expect(await one.waitFor(reservations[3]!)).toBeNull();
  expect(clock.at).toBe(reservations[3]);
});

describe('while slots are reserved ahead, and were missed for ten seconds,', () => {
  /** 600 moments are reserved. The reservations of the first minute were not used. */
  async function openMissed() {
    const system = open();
    await reserve(system.one, 600);
    system.clock.at += 60_000;
    const { one, two, clock } = system;
    /** The number of callers that may run at once. */
    const goAtOnce = async (rateLimiter: typeof one) => {
      const due = await Promise.all(
        (await reserve(rateLimiter, 3)).map((reservation) => rateLimiter.due(reservation)),
      );
      return due.filter((at) => at <= clock.at).length;
    };
    return { one, two, clock, goAtOnce };
  }

  test('they are given again, at the pace, to all processes together', async () => {
    const { one, two, clock, goAtOnce } = await openMissed();
    expect(await goAtOnce(one)).toBe(1);
    expect(await goAtOnce(two)).toBe(0);
    clock.at += 1_000;
    expect(await goAtOnce(two)).toBe(1);
    expect(await goAtOnce(one)).toBe(0);
  });

  test('operations at their own slots leave none', async () => {
    const { one, two, clock, goAtOnce } = await openMissed();
    for (let second = 0; second < 5; second += 1) {
      one.markUsed(clock.at - 500);
      await new Promise(setImmediate);
      expect(await goAtOnce(two)).toBe(0);
      clock.at += 1_000;
    }
    expect(await goAtOnce(two)).toBe(1);
  });

  test('what was given again counts once', async () => {
    const { one, clock, goAtOnce } = await openMissed();
    const [missed] = await reserve(one, 1);
    one.markUsed(missed!);
    await new Promise(setImmediate);
    clock.at += 1_000;
    expect(await goAtOnce(one)).toBe(1);
  });

  test('none are given while the hub throttles', async () => {
    const { one, two, clock, goAtOnce } = await openMissed();
    await two.delayAll(30_000);
    clock.at += 39_000;
    expect(await goAtOnce(one)).toBe(0);
    clock.at += 1_000;
    expect(await goAtOnce(one)).toBe(1);
  });
});

test('a slot is not missed for its first ten seconds', async () => {
  const { one, clock } = open();
  await reserve(one, 600);
  clock.at += 9_000;
  expect(await reserve(one, 1)).toEqual([now + 600_000]);
});

test('while nothing is reserved ahead, an operation at its own slot costs no write', async () => {
  const { one, table } = open();
  const reservation = await one.reserve();
  one.markUsed(reservation);
  await new Promise(setImmediate);
  expect(table.writes).toBe(1);
});

test('what could not be written down is written with what comes next', async () => {
  const { one, table } = open();
  await one.reserve();
  table.fails = true;
  one.charge();
  await new Promise(setImmediate);
  table.fails = false;
  await one.reserve();
  expect(await one.reserve()).toBe(now + 3_000);
});
