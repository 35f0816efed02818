import { openRateLimiter, type RateLimiterRow } from '../../../src/throttling/openRateLimiter.js';
import { handClock } from '../../support/handClock.js';
import { memoryTable } from '../../support/memoryTable.js';

/*
 * Blocks: a process that meets conflicts writes less often, and takes operations ahead. The rate is one operation a millisecond, and 20,000
 * devices wait.
 */

async function open() {
  const table = memoryTable<RateLimiterRow>();
  const clock = handClock(1_800_000_000_000);
  let scheduled: { at: number; run: () => void }[] = [];
  let conflicts = 0;
  const start = () =>
    openRateLimiter({
      table: {
        ...table,
        async put(...row) {
          if (conflicts <= 0) return table.put(...row);
          conflicts -= 1;
          return false;
        },
      },
      clock,
      perMinute: 60_000,
      random: () => 0,
      schedule: (ms, run) => void scheduled.push({ at: clock.at + ms, run }),
    });
  /** Moves the clock, and runs what is scheduled by then. */
  async function pass(ms: number) {
    clock.at += ms;
    const due = scheduled.filter(({ at }) => at <= clock.at);
    scheduled = scheduled.filter(({ at }) => at > clock.at);
    for (const { run } of due) run();
    await new Promise(setImmediate);
  }
  const busy = start();
  const reserve = (times: number) => Promise.all(Array.from({ length: times }, () => busy.reserve()));
  // The write of the whole line meets one conflict.
  conflicts = 1;
  const line = await reserve(20_000);
  const next = reserve(1);
  const writesBefore = table.writes;
  await pass(29);
  const early = table.writes - writesBefore;
  await pass(1);
  await next;
  return { table, busy, start, pass, reserve, early, last: line.at(-1)!.turn };
}

test('after a conflict the process waits before its next write, and takes a fifth of the rate of that time ahead', async () => {
  const { table, reserve, early, last } = await open();
  expect(early).toBe(0);
  const { writes } = table;
  // Thirty milliseconds are the time to the next write.
  const block = await reserve(6);
  expect(block.map(({ turn }) => turn)).toEqual([2, 3, 4, 5, 6, 7].map((place) => last + place));
  expect(table.writes).toBe(writes);
});

test('the block is no larger than that part', async () => {
  const { table, reserve, pass } = await open();
  const { writes } = table;
  const seven = reserve(7);
  await pass(100);
  await seven;
  expect(table.writes).toBe(writes + 1);
});

test('what nobody has used after five seconds is given back: other processes hand the turns out', async () => {
  const { reserve, pass, start, last } = await open();
  await reserve(1);
  await pass(5_002);
  await pass(1_000);
  const other = start();
  expect(await other.reserve()).toMatchObject({ turn: last + 3 });
});

test('a turn that could not be given back is given back with a later write', async () => {
  const { busy, table, reserve, pass, start, last } = await open();
  const [first] = await reserve(6);
  table.fails = true;
  busy.release(first!);
  await pass(2_000);
  table.fails = false;
  busy.charge();
  await pass(2_000);
  expect(await start().reserve()).toEqual(first);
  expect(first!.turn).toBe(last + 2);
});
