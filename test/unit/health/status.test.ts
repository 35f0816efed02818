import { openStatus, type StatusRow } from '../../../src/health/status.js';
import { ProvisioningError } from '../../../src/shared/errors.js';
import type { Row, Table } from '../../../src/storage/table.js';

const down = new ProvisioningError('hub-unavailable', 'The hub cannot be reached.');

/** One row, for any number of workers; unreachable when it is told so. */
function fakeTable() {
  let row: Row<StatusRow> | null = null;
  const state = { reachable: true, writes: 0 };
  const reach = () => {
    if (!state.reachable)
      throw new ProvisioningError('records-unavailable', 'The records cannot be reached.');
  };
  const table: Table<StatusRow> = {
    async get() {
      reach();
      return structuredClone(row);
    },
    async put(_key, value, etag) {
      reach();
      if (etag !== (row?.etag ?? null)) return false;
      state.writes += 1;
      row = { value: structuredClone(value), etag: String(state.writes) };
      return true;
    },
    async *list() {},
  };
  return { table, state };
}

const start = 1_800_000_000_000;
function movableClock() {
  let now = start;
  return {
    clock: { now: () => now, sleep: async () => {} },
    advance: (ms: number) => {
      now += ms;
    },
  };
}

test('nothing was seen before a worker has reported', async () => {
  const { clock } = movableClock();
  expect(await openStatus({ table: fakeTable().table, clock }).read()).toBeNull();
});

test('what a worker saw is there for others to read', async () => {
  const { table } = fakeTable();
  const { clock, advance } = movableClock();
  const worker = openStatus({ table, clock });
  worker.saw('balena', null);
  advance(5);
  worker.saw('hub', down);
  await worker.report();
  expect(await openStatus({ table, clock }).read()).toEqual({
    at: start + 5,
    totals: { operations: 0, provisioned: 0, failed: 0 },
    balena: { answeredAt: start, failedAt: null, code: null },
    hub: { answeredAt: null, failedAt: start + 5, code: 'hub-unavailable' },
  });
});

test('it is written every ten seconds at most', async () => {
  const { table, state } = fakeTable();
  const { clock, advance } = movableClock();
  const worker = openStatus({ table, clock });
  for (let second = 0; second < 30; second += 1) {
    await worker.report();
    advance(1_000);
  }
  expect(state.writes).toBe(3);
});

test('of two workers the later sight of each side counts', async () => {
  const { table } = fakeTable();
  const { clock, advance } = movableClock();
  const [one, other] = [openStatus({ table, clock }), openStatus({ table, clock })];
  one.saw('hub', down);
  one.saw('balena', null);
  advance(100);
  other.saw('hub', null);
  await other.report();
  await one.report();
  expect(await one.read()).toMatchObject({
    balena: { answeredAt: start },
    hub: { answeredAt: start + 100, failedAt: start, code: 'hub-unavailable' },
  });
});

test('what is seen after the last message is written all the same, once it is time', async () => {
  const { table, state } = fakeTable();
  const { clock, advance } = movableClock();
  const timers: { ms: number; run: () => Promise<void> }[] = [];
  const worker = openStatus({ table, clock, later: (ms, run) => timers.push({ ms, run }) });
  await worker.report();
  worker.count('provisioned');
  await worker.report();
  await worker.report();
  expect([state.writes, timers.map(({ ms }) => ms)]).toEqual([1, [10_000]]);
  advance(10_000);
  await timers[0]?.run();
  expect((await worker.read())?.totals.provisioned).toBe(1);
});

test('what two workers count is added up, and what could not be written is counted later', async () => {
  const { table, state } = fakeTable();
  const { clock, advance } = movableClock();
  const [one, other] = [openStatus({ table, clock }), openStatus({ table, clock })];
  one.count('operations');
  one.count('provisioned');
  other.count('operations');
  other.count('failed');
  await one.report();
  state.reachable = false;
  await other.report();
  state.reachable = true;
  advance(10_000);
  await other.report();
  expect((await one.read())?.totals).toEqual({ operations: 2, provisioned: 1, failed: 1 });
});

test('a report that cannot be written fails nothing, and is written later', async () => {
  const { table, state } = fakeTable();
  const { clock, advance } = movableClock();
  const worker = openStatus({ table, clock });
  worker.saw('hub', null);
  state.reachable = false;
  await worker.report();
  state.reachable = true;
  advance(10_000);
  await worker.report();
  expect(await worker.read()).toMatchObject({ hub: { answeredAt: start } });
});
