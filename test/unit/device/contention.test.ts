import type { ListedDevice } from '../../../src/device/lists.js';
import type { DeviceRecord } from '../../../src/device/record.js';
import { newRecord } from '../../../src/device/transitionParts.js';
import { collect } from '../../support/collect.js';
import { handClock } from '../../support/handClock.js';
import { memoryTable } from '../../support/memoryTable.js';
import { openTestRecords } from '../../support/openTestRecords.js';

/*
 * Anybody with the fleet's key can send many different requests for one device at the same time. On a running system, 50 a second left 1,095 rows
 * in a list within 12 s, and half of the requests had no answer within 20 s: each conflict costs a reading, a row of a list and a write.
 */

const now = 1_800_000_000_000;
const uuid = 'ab'.repeat(16);

/** Two processes with the same tables. The device has a pending job, which each amendment makes due earlier. */
async function open() {
  const table = memoryTable<DeviceRecord>();
  const lists = memoryTable<ListedDevice>();
  const clock = handClock(now);
  const processes = [openTestRecords(table, clock, lists), openTestRecords(table, clock, lists)] as const;
  const desired = { present: true, service: '', requestId: 'r', requestedAt: now };
  await processes[0].write({ ...newRecord(uuid, desired, now), job: { generation: 1, due: now } }, null);
  table.writes = 0;
  table.reads = 0;
  const sooner = (record: DeviceRecord | null) => ({
    ...record!,
    job: { ...record!.job!, due: record!.job!.due - 1 },
  });
  return { table, lists, processes, sooner };
}

test('in one process, thirty simultaneous amendments of a device cost two readings and one write each', async () => {
  const { table, lists, processes, sooner } = await open();
  await Promise.all(Array.from({ length: 30 }, () => processes[0].amend(uuid, sooner)));
  expect(table.reads).toBeLessThanOrEqual(60);
  expect(table.writes).toBe(30);
  expect(await collect(lists.list())).toHaveLength(1);
});

test('a write that meets a conflict leaves no row in a list', async () => {
  const { table, lists, processes, sooner } = await open();
  await Promise.all(Array.from({ length: 30 }, (_, at) => processes[at % 2 ? 1 : 0].amend(uuid, sooner)));
  expect(table.reads).toBeGreaterThan(30);
  expect(table.writes).toBe(30);
  expect(await collect(lists.list())).toHaveLength(1);
});

test('a write that succeeded, and whose answer is a conflict after another write, leaves its row', async () => {
  const { table, lists, processes, sooner } = await open();
  const { put } = table;
  table.put = async (...args) => {
    await put(...args);
    table.put = put;
    // The other process takes over the row of this version.
    await processes[1].amend(uuid, (record) => ({ ...record!, attempts: 7 }));
    return false;
  };
  const { value, etag } = (await processes[0].read(uuid))!;
  expect(await processes[0].write(sooner(value), etag)).toBe(false);
  const record = (await processes[1].read(uuid))!.value;
  expect((await collect(lists.list())).map(({ row }) => row)).toContain(record.listed?.pending?.row);
});

test('more simultaneous amendments of a device are refused at once, and delay no other device', async () => {
  const { table, processes, sooner } = await open();
  const all = Promise.allSettled(Array.from({ length: 400 }, () => processes[0].amend(uuid, sooner)));
  const other = newRecord(
    'cd'.repeat(16),
    { present: true, service: '', requestId: 'r', requestedAt: now },
    now,
  );
  expect(await processes[0].amend(other.uuid, () => other)).not.toBeNull();
  const refused = (await all).filter((each) => each.status === 'rejected');
  expect(refused.length).toBeGreaterThan(100);
  expect(refused[0]?.reason).toMatchObject({ code: 'records-unavailable' });
  expect(table.writes).toBe(400 - refused.length + 1);
});

test('callers who change nothing take no turn: no flood of repeated requests keeps a change of the device out', async () => {
  const { table, processes, sooner } = await open();
  const { get } = table;
  const { promise: answer, resolve } = Promise.withResolvers<void>();
  table.get = async (key) => {
    await answer;
    return get(key);
  };
  const repeated = Promise.allSettled(
    Array.from({ length: 200 }, () => processes[0].amend(uuid, () => null)),
  );
  const written = processes[0].amend(uuid, sooner);
  resolve();
  expect(await written).not.toBeNull();
  expect(new Set((await repeated).map(({ status }) => status))).toEqual(new Set(['fulfilled']));
});

test('a change without simultaneous changes costs one reading', async () => {
  const { table, processes, sooner } = await open();
  await processes[0].amend(uuid, sooner);
  expect([table.reads, table.writes]).toEqual([1, 1]);
});
