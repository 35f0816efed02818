import { measuredMs, noTotals, openStatus, type StatusRow } from '../../../src/health/status.js';
import { ProvisioningError } from '../../../src/shared/errors.js';
import { handClock } from '../../support/handClock.js';
import { memoryTable } from '../../support/memoryTable.js';

const down = new ProvisioningError('hub-unavailable', 'The hub cannot be reached.');

const start = 1_800_000_000_000;

function setUp() {
  return { table: memoryTable<StatusRow>(), clock: handClock(start) };
}

test('nothing was seen before a worker has reported', async () => {
  expect(await openStatus(setUp()).read()).toBeNull();
});

test('what a worker saw is there for others to read', async () => {
  const { table, clock } = setUp();
  const worker = openStatus({ table, clock });
  worker.noteCall('balena', null);
  clock.at += 5;
  worker.noteCall('hub', down);
  await worker.report();
  expect(await openStatus({ table, clock }).read()).toEqual({
    at: start + 5,
    totals: noTotals,
    balena: { answeredAt: start, failedAt: null, code: null },
    hub: { answeredAt: null, failedAt: start + 5, code: 'hub-unavailable' },
    marks: [{ at: start + 5, totals: noTotals }],
    throttled: {},
  });
});

test('it is written every ten seconds at most', async () => {
  const { table, clock } = setUp();
  const worker = openStatus({ table, clock });
  for (let second = 0; second < 30; second += 1) {
    await worker.report();
    clock.at += 1_000;
  }
  expect(table.writes).toBe(3);
});

test('of two workers the later sight of each side counts', async () => {
  const { table, clock } = setUp();
  const [one, other] = [openStatus({ table, clock }), openStatus({ table, clock })];
  one.noteCall('hub', down);
  one.noteCall('balena', null);
  clock.at += 100;
  other.noteCall('hub', null);
  await other.report();
  await one.report();
  expect(await one.read()).toMatchObject({
    balena: { answeredAt: start },
    hub: { answeredAt: start + 100, failedAt: start, code: 'hub-unavailable' },
  });
});

test('what is seen after the last message is written all the same, once it is time', async () => {
  const { table, clock } = setUp();
  const timers: { ms: number; run: () => Promise<void> }[] = [];
  const worker = openStatus({ table, clock, schedule: (ms, run) => timers.push({ ms, run }) });
  await worker.report();
  worker.count('provisioned');
  await worker.report();
  await worker.report();
  expect([table.writes, timers.map(({ ms }) => ms)]).toEqual([1, [10_000]]);
  clock.at += 10_000;
  await timers[0]?.run();
  expect((await worker.read())?.totals.provisioned).toBe(1);
});

test('what two workers count is added up, and what could not be written is counted later', async () => {
  const { table, clock } = setUp();
  const [one, other] = [openStatus({ table, clock }), openStatus({ table, clock })];
  one.count('operations');
  one.count('provisioned');
  other.count('operations');
  other.count('failed');
  await one.report();
  table.fails = true;
  await other.report();
  table.fails = false;
  clock.at += 10_000;
  await other.report();
  expect((await one.read())?.totals).toEqual({ ...noTotals, operations: 2, provisioned: 1, failed: 1 });
});

test('a report that cannot be written fails nothing, and is written later', async () => {
  const { table, clock } = setUp();
  const worker = openStatus({ table, clock });
  worker.noteCall('hub', null);
  table.fails = true;
  await worker.report();
  table.fails = false;
  clock.at += 10_000;
  await worker.report();
  expect(await worker.read()).toMatchObject({ hub: { answeredAt: start } });
});

test('the marks of the last minutes are kept, one each 15 seconds', async () => {
  const { table, clock } = setUp();
  const worker = openStatus({ table, clock });
  for (let second = 0; second < 300; second += 10) {
    worker.count('provisioned');
    await worker.report();
    clock.at += 10_000;
  }
  const { marks, totals } = (await worker.read())!;
  expect(marks.length).toBeGreaterThanOrEqual(7);
  expect(marks.length).toBeLessThanOrEqual(10);
  expect(marks[0]!.at).toBeGreaterThan(clock.at - 10_000 - measuredMs);
  expect(totals.provisioned - marks[0]!.totals.provisioned).toBe((clock.at - 10_000 - marks[0]!.at) / 10_000);
});

test('the row says who limits our requests, and since when', async () => {
  const { table, clock } = setUp();
  const worker = openStatus({ table, clock });
  const refuse = async () => {
    worker.noteCall('hub', new ProvisioningError('hub-throttled', 'Busy.', { retryAfterMs: 1_000 }));
    await worker.report();
  };
  await refuse();
  clock.at += 60_000;
  await refuse();
  const seen = async () => (await worker.read())?.throttled;
  expect(await seen()).toEqual({ hub: { since: start, at: start + 60_000 } });
  expect((await worker.read())?.totals.hubRefusals).toBe(2);
  clock.at += 180_000;
  await refuse();
  expect(await seen()).toEqual({ hub: { since: clock.at, at: clock.at } });
});
