import { openRateLimiter, type RateLimiterRow } from '../../../src/throttling/openRateLimiter.js';
import { type Claim, keptPlace, type Reservation } from '../../../src/throttling/rateLimiter.js';
import { handClock } from '../../support/handClock.js';
import { memoryTable } from '../../support/memoryTable.js';

const now = 1_800_000_000_000;
const seconds = 1_000;

/** Two processes that share a rate of one operation a second. */
function open() {
  const table = memoryTable<RateLimiterRow>();
  const clock = handClock(now);
  const start = (perMinute = 60, aheadMs = 0, random = () => 0) =>
    openRateLimiter({
      table,
      clock: { now: () => clock.now() + aheadMs, sleep: (ms) => clock.sleep(ms) },
      perMinute,
      random,
    });
  return { table, clock, start, one: start(), two: start() };
}

type Limiter = ReturnType<typeof openRateLimiter>;
const reserve = (rateLimiter: Limiter, times: number, claim?: Claim) =>
  Promise.all(Array.from({ length: times }, () => rateLimiter.reserve(claim)));
const dueIn = async (rateLimiter: Limiter, reservations: readonly Reservation[], from = now) =>
  Promise.all(reservations.map(async (each) => ((await rateLimiter.due(each)) - from) / seconds));
const settled = () => new Promise(setImmediate);

test('the first operation is free at once, and each further one an interval later', async () => {
  const { one } = open();
  expect(await dueIn(one, await reserve(one, 4))).toEqual([0, 1, 2, 3]);
});

test('all that wait in one process share one write', async () => {
  const { one, table } = open();
  await reserve(one, 100);
  expect(table.writes).toBe(1);
});

test('two processes never get the same turn', async () => {
  const { one, two } = open();
  const all = (await Promise.all([reserve(one, 20), reserve(two, 20), reserve(one, 20)])).flat();
  const turns = all.map(({ turn }) => turn).filter((turn) => turn > 0);
  expect(new Set(turns).size).toBe(59);
});

test('time in which nobody waits is not made up for', async () => {
  const { one, clock } = open();
  await one.reserve();
  clock.at += 60 * seconds;
  expect(await dueIn(one, await reserve(one, 3), clock.at)).toEqual([0, 1, 2]);
});

test('throttling moves every reservation, and several workers that meet the same throttling wait once', async () => {
  const { one, two, clock } = open();
  const [, second] = await reserve(one, 2);
  await Promise.all([one.delayAll(30 * seconds), two.delayAll(30 * seconds)]);
  clock.at += 10 * seconds;
  await one.delayAll(30 * seconds);
  clock.at += seconds;
  expect(await dueIn(two, [second!, await two.reserve()])).toEqual([41, 42]);
  expect(await two.pausedUntil()).toBe(now + 40 * seconds);
});

test('nobody goes first during a wait that the hub has asked for', async () => {
  const { one } = open();
  await one.delayAll(30 * seconds);
  expect(await dueIn(one, await reserve(one, 1, { isUrgent: true }))).toEqual([30]);
});

test('during a wait that the hub has asked for, nobody uses the turns of others', async () => {
  const { one, clock } = open();
  const line = await reserve(one, 601);
  clock.at += 60 * seconds;
  await one.delayAll(30 * seconds);
  // Eleven turns are open, so without the wait this device could go.
  expect(await one.waitFor(line[300]!)).toBeGreaterThan(clock.at + 30 * seconds);
});

describe('work that goes first', () => {
  test('is free at once, and moves the others back by one operation', async () => {
    const { one } = open();
    const line = await reserve(one, 100);
    expect(await dueIn(one, line.slice(-1))).toEqual([99]);
    expect(await dueIn(one, await reserve(one, 1, { isUrgent: true }))).toEqual([0]);
    expect(await dueIn(one, line.slice(-1))).toEqual([100]);
  });

  test('waits for its part of the rate if there is much of it', async () => {
    const { one } = open();
    const line = await reserve(one, 100);
    const urgent = await dueIn(one, await reserve(one, 100, { isUrgent: true }));
    expect(urgent.filter((due) => due === 0)).toHaveLength(5);
    expect(urgent.at(-1)).toBeLessThan(120);
    expect((await dueIn(one, line.slice(1, 2)))[0]).toBeLessThan(20);
  });

  test('of many fleets is together as strong as that of one fleet, or as the fleets themselves', async () => {
    const { one } = open();
    await reserve(one, 2, { fleet: 'waits' });
    const urgent = [];
    for (let i = 0; i < 30; i += 1)
      urgent.push(...(await reserve(one, 100, { fleet: `fleet ${i}`, isUrgent: true })));
    const ordinary = await dueIn(one, await reserve(one, 10, { fleet: 'ordinary' }));
    expect(ordinary.at(-1)).toBeLessThanOrEqual(10 * 31 + 10);
    // The expected moments of all are different, up to the end of the line.
    expect(Math.max(...(await dueIn(one, urgent)))).toBeLessThanOrEqual(3_015);
  });
});

describe('fleets', () => {
  test('share the rate while both wait: ten devices do not wait for a thousand others', async () => {
    const { one } = open();
    const large = await reserve(one, 1_000, { fleet: 'large' });
    const small = await reserve(one, 10, { fleet: 'small' });
    expect((await dueIn(one, small)).at(-1)).toBeLessThanOrEqual(20);
    // The large fleet has the whole rate afterwards.
    expect((await dueIn(one, large)).at(-1)).toBe(1_009);
  });

  test('of an equal size are served by turns', async () => {
    const { one, clock } = open();
    const a = await reserve(one, 51, { fleet: 'a' });
    const b = await reserve(one, 50, { fleet: 'b' });
    let used = 0;
    for (let second = 0; second < 40; second += 1) {
      clock.at += seconds;
      for (const each of [...a.slice(1), ...b]) {
        if ((await one.due(each)) > clock.at || each.turn === 0) continue;
        used += 1;
        break;
      }
      one.markUsed(a[1]!);
      await settled();
    }
    const served = async (fleet: Reservation[]) =>
      (await dueIn(one, fleet, clock.at)).filter((due) => due <= 0).length;
    expect(used).toBe(40);
    expect(Math.abs((await served(a.slice(1))) - (await served(b)))).toBeLessThanOrEqual(1);
  });

  test('beyond the 64th share one lane', async () => {
    const { one } = open();
    await reserve(one, 2, { fleet: 'fleet' });
    for (let i = 0; i < 80; i += 1) await one.reserve({ fleet: `fleet ${i}` });
    expect((await one.reserve({ fleet: 'the last' })).lane).toBe('+');
  });

  test('beyond the 64th do not wait for devices that anybody may have invented', async () => {
    const { one } = open();
    for (let i = 0; i < 64; i += 1) await reserve(one, 2, { fleet: `fleet ${i}` });
    await reserve(one, 10_000);
    const further = await reserve(one, 10, { fleet: 'further' });
    expect((await dueIn(one, further)).at(-1)).toBeLessThan(64 * 2 + 2 * 10 + 5);
    const known = await reserve(one, 1, { isKnown: true });
    expect((await dueIn(one, known))[0]).toBeLessThan(64 * 2 + 2 * 11 + 5);
  });
});

test('more units speed up everybody at once, in the same order', async () => {
  const { one, start } = open();
  const line = await reserve(one, 601);
  const faster = start(600);
  expect(await dueIn(faster, [line[300]!, line[600]!])).toEqual([30, 60]);
  expect(await dueIn(faster, [await faster.reserve()])).toEqual([60.1]);
});

describe('distant work looks again before its moment', () => {
  const half = () => 0.5;
  const wakesIn = async (perMinute: number, waiting: number, turns: number[], random = half) => {
    const limiter = open().start(perMinute, 0, random);
    const line = await reserve(limiter, waiting + 1);
    const at = await Promise.all(turns.map((turn) => limiter.wakeAt(line[turn]!)));
    expect(await limiter.waitFor(line[waiting]!)).toBe(at.at(-1));
    return at.map((each) => (each - now) / seconds);
  };

  test('ten devices for each released turn', async () => {
    // At the half of a short wait, and after 300 s at the latest: 3,000 devices look at a rate of ten a second.
    expect(await wakesIn(60, 3_000, [150, 200, 400, 3_000])).toEqual([150, 150, 200, 300]);
  });

  test('at most 70 devices a second, however many wait', async () => {
    const [last = 0] = await wakesIn(600, 30_000, [30_000]);
    expect(30_000 / last).toBeCloseTo(70, 1);
  });

  test('at different times, because a fleet boots at once', async () => {
    expect(await wakesIn(60, 3_000, [3_000], () => 0)).toEqual([225]);
    expect(await wakesIn(60, 3_000, [3_000], () => 1)).toEqual([375]);
  });

  test('never after its expected moment', async () => {
    expect(await wakesIn(60, 151, [151], () => 1)).toEqual([151]);
  });
});

test('a near reservation is waited for in memory, and a far one is not', async () => {
  const { one, clock } = open();
  const line = await reserve(one, 10);
  expect(await one.waitFor(line[0]!)).toBeNull();
  expect(await one.waitFor(line[9]!)).toBe(now + 9 * seconds);
  expect(clock.at).toBe(now);
  expect(await one.waitFor(line[3]!)).toBeNull();
  expect(clock.at).toBe(now + 3 * seconds);
});

describe('a reservation that is given back', () => {
  test('can be used by every process at once', async () => {
    const { one, two } = open();
    const first = await one.reserve();
    one.release(first);
    await settled();
    expect(await dueIn(two, await reserve(two, 2))).toEqual([0, 1]);
  });

  test('moves up the devices behind it', async () => {
    const { one } = open();
    const line = await reserve(one, 10);
    one.release(line[4]!);
    one.release(line[5]!);
    await settled();
    expect(await dueIn(one, [line[3]!, line[9]!])).toEqual([3, 7]);
  });

  test('is given to the next device', async () => {
    const { one } = open();
    const line = await reserve(one, 10);
    one.release(line[4]!);
    await settled();
    expect(await one.reserve()).toEqual(line[4]);
  });
});

test('a row of many fleets, which all give turns back, stays below the 64 KB that the table takes', async () => {
  const { one, table } = open();
  for (let fleet = 0; fleet < 64; fleet += 1) {
    const line = await reserve(one, 100, { fleet: `an_organization_with_a_long_name/fleet_${fleet}` });
    for (const [i, each] of line.entries()) if (i % 2 === 0) one.release(each);
    await settled();
  }
  const row = await table.get({ partition: 'system', row: 'rateLimiter' });
  expect(JSON.stringify(row).length).toBeLessThan(40_000);
});

test('a further operation of a run moves the others back, and the run does not wait', async () => {
  const { one } = open();
  const line = await reserve(one, 10);
  one.charge();
  one.charge();
  await settled();
  expect(await dueIn(one, line.slice(-1))).toEqual([11]);
});

test('work that has used its turn keeps its place: its next operation moves the others back', async () => {
  const { one, clock } = open();
  const line = await reserve(one, 30);
  const first = keptPlace(line[0]!);
  expect(await one.waitFor(first)).toBeNull();
  one.markUsed(first);
  await settled();
  clock.at += seconds;
  expect(await dueIn(one, line.slice(-1))).toEqual([30]);
});

test('each further operation of work that keeps its turn moves the others back', async () => {
  const { one, clock } = open();
  const line = await reserve(one, 30);
  clock.at += seconds;
  const lastDue = async () => (await dueIn(one, line.slice(-1)))[0];
  for (const due of [29, 30, 31]) {
    expect(await one.waitFor(line[1]!)).toBeNull();
    one.markUsed(line[1]!);
    await settled();
    expect(await lastDue()).toBe(due);
  }
});

test('a process whose reading is older than a reservation does not take the reservation for released', async () => {
  const { one, two } = open();
  await two.due(await two.reserve());
  const line = await reserve(one, 30);
  // The second process has read the row less than a second ago, before the line began.
  expect(await dueIn(two, line.slice(-1))).toEqual([30]);
});

describe('while nobody uses released turns', () => {
  test('a newcomer does not overtake the devices that wait', async () => {
    const { one, clock } = open();
    const line = await reserve(one, 601);
    clock.at += 7 * seconds;
    // Seven turns are open. Devices that wait already may use three of them.
    const newcomer = await one.reserve();
    expect(newcomer.turn).toBeGreaterThan(line.at(-1)!.turn);
    expect(await one.waitFor(line[300]!)).toBeNull();
  });

  test('the line stands still after ten seconds, and goes on where it stopped', async () => {
    const { one, clock } = open();
    const line = await reserve(one, 601);
    clock.at += 3_600 * seconds;
    expect((await dueIn(one, [line[600]!], clock.at))[0]).toBeGreaterThan(580);
    for (const each of line.slice(1, 11)) one.markUsed(each);
    await settled();
    clock.at += 10 * seconds;
    expect((await dueIn(one, [line[20]!], clock.at))[0]).toBeLessThanOrEqual(0);
    expect((await dueIn(one, [line[30]!], clock.at))[0]).toBeGreaterThan(0);
  });

  test('devices that are there use the turns of others, at the rate', async () => {
    const { one, clock } = open();
    const line = await reserve(one, 601);
    clock.at += 60 * seconds;
    const goNow = async (places: Reservation[]) => {
      const results = [];
      for (const each of places) results.push(await one.waitFor(each));
      return results.filter((at) => at === null).length;
    };
    // Of eleven open turns, four stay for their own devices.
    expect(await goNow(line.slice(100, 120))).toBe(7);
    clock.at += 3 * seconds;
    expect(await goNow(line.slice(120, 140))).toBeLessThanOrEqual(4);
  });

  test('a device that uses the turn of another one leaves the line: the devices behind move up', async () => {
    const { one, two, clock } = open();
    const line = await reserve(one, 601);
    clock.at += 60 * seconds;
    const between = async () => {
      const [first = 0, second = 0] = await dueIn(two, [line[200]!, line[400]!], clock.at);
      return second - first;
    };
    expect(await between()).toBe(200);
    expect(await one.waitFor(line[300]!)).toBeNull();
    clock.at += 2 * seconds;
    expect(await between()).toBe(199);
    // A newcomer is last all the same.
    const newcomers = (await reserve(two, 5)).filter(({ turn }) => turn > 0);
    expect(newcomers.map(({ turn }) => turn > line[600]!.turn)).toEqual([true, true, true]);
  });

  test.each([
    ['comes back after a minute uses its operation', 60, true],
    ['comes back after three minutes takes another one: nothing is remembered for ever', 180, false],
  ])('a device that has taken the turn of another one, and that %s', async (_, after, isFree) => {
    const { one, clock } = open();
    const line = await reserve(one, 601);
    clock.at += 60 * seconds;
    expect(await one.waitFor(line[300]!)).toBeNull();
    clock.at += after * seconds;
    // The other open turns are used meanwhile.
    for (let i = 0; i < 20; i += 1) one.markUsed(line[1]!);
    await settled();
    const at = await one.waitFor(line[300]!);
    expect(at === null).toBe(isFree);
  });

  test('late devices take what is left, and then wait', async () => {
    const { one, clock } = open();
    const line = await reserve(one, 601);
    clock.at += 60 * seconds;
    const late = keptPlace(line[0]!);
    const results = [];
    for (let i = 0; i < 30; i += 1) {
      results.push(await one.waitFor(late));
      one.markUsed(late);
    }
    // Eleven turns are open, and five operations may be borrowed.
    expect(results.filter((at) => at === null)).toHaveLength(16);
    expect(results.at(-1)).toBeGreaterThan(clock.at);
  });
});

test('what could not be written down is written with what comes next', async () => {
  const { one, table } = open();
  await one.reserve();
  table.fails = true;
  one.charge();
  await one.delayAll(seconds);
  await settled();
  await expect(one.reserve()).rejects.toThrow('cannot be reached');
  table.fails = false;
  expect(await dueIn(one, await reserve(one, 1))).toEqual([2]);
});

test('turns of a row that was lost can be used', async () => {
  const { one, table, clock } = open();
  const line = await reserve(one, 100);
  await table.remove({ partition: 'system', row: 'rateLimiter' });
  clock.at += 2 * seconds;
  await one.reserve();
  expect(await dueIn(one, line.slice(-1), clock.at)).toEqual([0]);
});

test('a moment that a process with a wrong clock has written is not believed', async () => {
  const { one, start, clock } = open();
  await start(60, 1_800 * seconds).reserve();
  clock.at += seconds;
  expect((await dueIn(one, await reserve(one, 1), clock.at))[0]).toBeLessThanOrEqual(1);
});

test('a fleet without waiting devices does not wait for the lines of the others', async () => {
  const { one } = open();
  await reserve(one, 10, { fleet: 'a' });
  await reserve(one, 10, { fleet: 'b' });
  expect(await one.nextFree({ fleet: 'c' })).toBeLessThan(now + 4 * seconds);
});
