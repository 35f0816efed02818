import { readTimerFacts, timersLine } from '../../../src/health/timers.js';
import type { TimerRow } from '../../../src/storage/timerRuns.js';
import { handClock } from '../../support/handClock.js';
import { memoryTable } from '../../support/memoryTable.js';
import { timerRunsIn } from '../../support/timerRunsIn.js';

const minutes = 60_000;

function open() {
  const clock = handClock(1_800_000_000_000);
  const table = memoryTable<TimerRow>();
  const timerRuns = timerRunsIn(clock, table);
  const ran = async (timer: 'redrive' | 'sample' | 'renew', by: 'timer' | 'supervision' = 'timer') =>
    timerRuns[timer].end((await timerRuns[timer].claim(by, 0))!, true);
  return { clock, table, ran, line: async () => timersLine(await readTimerFacts(timerRuns), clock.now()) };
}

test('the line says when each timer last ran', async () => {
  const { clock, ran, line } = open();
  await ran('renew');
  clock.advance(180 * minutes);
  await ran('redrive');
  clock.advance(4 * minutes);
  await ran('sample');
  clock.advance(7_000);
  expect(await line()).toEqual({
    name: 'timers',
    ok: true,
    detail: 'redrive ran 4 min ago; sample ran 7 s ago; renew ran 3 h ago; sweep has not run yet',
  });
});

test('a silent timer is unhealthy, also while another function runs its work', async () => {
  const { clock, ran, line } = open();
  await ran('redrive');
  await ran('sample');
  clock.advance(16 * minutes);
  await ran('redrive', 'supervision');
  await ran('sample');
  expect(await line()).toEqual({
    name: 'timers',
    ok: false,
    detail:
      'redrive ran 0 s ago, by another function; sample ran 0 s ago; renew has not run yet; sweep has not run yet; ' +
      'the host does not run redrive any more: see "timers-silent" in docs/runbook.md',
  });
});

test('while the records are away, the line says so', async () => {
  const { table, line } = open();
  table.fails = true;
  expect(await line()).toMatchObject({ ok: false, detail: 'unknown: the records cannot be reached' });
});
