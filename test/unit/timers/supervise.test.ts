import type { TimerRow } from '../../../src/storage/timerRuns.js';
import { runTimer } from '../../../src/timers/runTimer.js';
import { superviseRedrive } from '../../../src/timers/supervise.js';
import { handClock } from '../../support/handClock.js';
import { memoryTable } from '../../support/memoryTable.js';
import { timerRunsIn } from '../../support/timerRunsIn.js';

const minutes = 60_000;

/** Processes that share one table, each with a supervision of its own. */
function system(count: number) {
  const clock = handClock(1_800_000_000_000);
  const table = memoryTable<TimerRow>();
  const timerRuns = timerRunsIn(clock, table);
  const runs: string[] = [];
  const lines: string[] = [];
  const failing = { is: false };
  const processes = Array.from({ length: count }, (_, index) =>
    superviseRedrive({
      runs: timerRuns.redrive,
      clock,
      log: (line) => lines.push(line),
      run: () => run('supervision', `process ${index}`),
    }),
  );
  const run = (by: 'timer' | 'supervision', name: string) =>
    runTimer(timerRuns, {
      timer: 'redrive',
      by,
      mostMs: 3 * minutes,
      run: async () => {
        runs.push(name);
        if (failing.is) throw new Error('the table is away');
      },
    });
  const lookAll = () => Promise.all(processes.map((look) => look()));
  return { clock, table, timerRuns, runs, lines, failing, run, lookAll };
}

test('while the timer runs, no other function runs the redrive', async () => {
  const { clock, runs, run, lookAll } = system(3);
  for (let count = 0; count < 20; count += 1) {
    await run('timer', 'timer');
    await lookAll();
    clock.advance(5 * minutes);
  }
  expect(new Set(runs)).toEqual(new Set(['timer']));
});

test('after 15 silent minutes, one process runs the redrive, and again 15 minutes later', async () => {
  const { clock, runs, lines, run, lookAll, timerRuns } = system(3);
  await run('timer', 'timer');
  const startedAt: number[] = [];
  for (let minute = 1; minute <= 31; minute += 1) {
    clock.advance(minutes);
    const before = runs.length;
    await lookAll();
    for (let count = before; count < runs.length; count += 1) startedAt.push(minute);
  }
  expect(startedAt).toEqual([15, 30]);
  expect(lines).toContain('The timer "redrive" is silent: this function runs the redrive.');
  const row = await timerRuns.redrive.read();
  expect(row!.completedAt! - row!.byTimerAt!).toBe(30 * minutes);
});

test('a timer that has never run is silent 15 minutes after the first look', async () => {
  const { clock, runs, lookAll } = system(2);
  await lookAll();
  clock.advance(14 * minutes);
  await lookAll();
  expect(runs).toEqual([]);
  clock.advance(minutes);
  await lookAll();
  expect(runs).toHaveLength(1);
});

test('a run that fails is tried again after five minutes, and a table that is away changes nothing', async () => {
  const { clock, runs, lines, run, lookAll, failing, table } = system(1);
  await run('timer', 'timer');
  failing.is = true;
  clock.advance(15 * minutes);
  for (let minute = 0; minute < 6; minute += 1) {
    await lookAll();
    clock.advance(minutes);
  }
  expect(runs).toEqual(['timer', 'process 0', 'process 0']);
  expect(lines.at(-1)).toContain('has failed: the table is away');
  table.fails = true;
  await lookAll();
  expect(lines.at(-1)).toContain('cannot be reached');
});

test('each process reads the row once a minute, whatever the number of requests', async () => {
  const { clock, table, lookAll } = system(2);
  await lookAll();
  const { reads } = table;
  for (let count = 0; count < 50; count += 1) {
    await lookAll();
    clock.advance(1_000);
  }
  expect(table.reads).toBe(reads);
});

test('a run that was killed frees the timer at the end of its time', async () => {
  const { clock, runs, timerRuns, run } = system(1);
  expect(await timerRuns.redrive.claim('timer', 210_000)).not.toBeNull();
  clock.advance(209_000);
  expect(await run('timer', 'too early')).toBe(false);
  clock.advance(1_000);
  expect(await run('timer', 'next')).toBe(true);
  expect(runs).toEqual(['next']);
});

test('the end of a run that lasted too long does not end the next run', async () => {
  const { clock, timerRuns } = system(1);
  const first = await timerRuns.redrive.claim('timer', 1_000);
  clock.advance(1_000);
  const second = await timerRuns.redrive.claim('supervision', 1_000);
  await timerRuns.redrive.end(first!, true);
  expect(await timerRuns.redrive.read()).toMatchObject({ startedAt: second, completedAt: null });
  expect(await timerRuns.redrive.claim('timer', 1_000)).toBeNull();
});
