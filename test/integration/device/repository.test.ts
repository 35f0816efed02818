import pLimit from 'p-limit';
import type { ListedDevice, ListName } from '../../../src/device/lists.js';
import type { DeviceRecord } from '../../../src/device/record.js';
import type { Records } from '../../../src/device/repository.js';
import { newRecord } from '../../../src/device/transitionParts.js';
import { ProvisioningError } from '../../../src/shared/errors.js';
import type { Key } from '../../../src/storage/table.js';
import { collect } from '../../support/collect.js';
import { memoryTable } from '../../support/memoryTable.js';
import { openTestRecords } from '../../support/openTestRecords.js';
import { thrownBy } from '../../support/thrownBy.js';
import { useTables } from '../../support/useTables.js';

const tables = await useTables();
const now = 1_800_000_000_000;
const clock = { now: () => now, sleep: async () => {} };
const uuid = 'ab'.repeat(16);
const desired = { present: true, service: '', requestId: 'r', requestedAt: now };
const fresh = (id = uuid): DeviceRecord => ({
  ...newRecord(id, desired, now),
  job: { generation: 1, due: now },
});
const unavailable = () =>
  new ProvisioningError('records-unavailable', 'The records cannot be reached.', {
    outcomeUnknown: true,
  });

/** Records in a new table. The writes of the table fail as the test says. */
function open() {
  const table = tables.newTable<DeviceRecord>();
  const lists = tables.newTable<ListedDevice>();
  const time = { now };
  const faults: ('lost' | 'done' | 'conflict')[] = [];
  const faulty: typeof table = {
    ...table,
    async put(...args) {
      const fault = faults.shift();
      if (fault === 'lost') throw unavailable();
      const written = await table.put(...args);
      if (fault === 'done') throw unavailable();
      return fault === 'conflict' ? false : written;
    },
  };
  const records = openTestRecords(faulty, { ...clock, now: () => time.now }, lists);
  return { table, lists, time, faults, records };
}

test('a record that was never written is null', async () => {
  expect(await open().records.read(uuid)).toBeNull();
});

test('a record is written once where there is none, and then on its ETag only', async () => {
  const { records } = open();
  expect(await records.write(fresh(), null)).toBe(true);
  expect(await records.write(fresh(), null)).toBe(false);
  const { value, etag } = (await records.read(uuid))!;
  expect(await records.write({ ...value, attempts: 1 }, etag)).toBe(true);
  expect(await records.write({ ...value, attempts: 2 }, etag)).toBe(false);
  expect((await records.read(uuid))?.value).toMatchObject({ attempts: 1, updatedAt: now });
});

test('every write has a stamp of its own', async () => {
  const { records } = open();
  const record = fresh();
  await records.write(record, null);
  const first = (await records.read(uuid))!;
  await records.write(record, first.etag);
  expect((await records.read(uuid))!.value.stamp).not.toBe(first.value.stamp);
});

test('summaries come in the order of the uuids, all or those behind one, also over more than a page', async () => {
  const { records } = open();
  const uuids = Array.from({ length: 1_100 }, (_, index) =>
    ((index * 59) % 1_100).toString(16).padStart(3, '0').padEnd(32, 'e'),
  );
  const limit = pLimit(20);
  await limit.map(uuids, (each) => records.write({ ...fresh(), uuid: each }, null));
  const list = async (where = {}) => {
    const found: string[] = [];
    for await (const summary of records.summaries(where)) found.push(summary.uuid);
    return found;
  };
  const sorted = uuids.sort();
  expect(await list()).toEqual(sorted);
  expect(await list({ after: sorted[600] })).toEqual(sorted.slice(601));
  expect(await list({ after: sorted.at(-1) })).toEqual([]);
  expect(await list({ startsWith: '12' })).toEqual(sorted.filter((each) => each.startsWith('12')));
  expect(await list({ startsWith: '123e' })).toEqual(['123'.padEnd(32, 'e')]);
  expect(await list({ startsWith: "12' or RowKey ge '0" })).toEqual([]);
});

test('amend gives null where there is no record, and writes what is made of it', async () => {
  const { records } = open();
  const amended = await records.amend(uuid, (record) => {
    expect(record).toBeNull();
    return fresh();
  });
  expect(amended?.uuid).toBe(uuid);
  expect((await records.read(uuid))?.value).toEqual(amended);
});

test('amend writes nothing if there is nothing to change', async () => {
  const { records } = open();
  await records.write(fresh(), null);
  const before = await records.read(uuid);
  expect(await records.amend(uuid, () => null)).toBeNull();
  expect(await records.read(uuid)).toEqual(before);
});

test('twenty simultaneous amendments are all stored', async () => {
  const { records } = open();
  await records.write(fresh(), null);
  const count = (record: DeviceRecord | null) => ({ ...record!, attempts: record!.attempts + 1 });
  await Promise.all(Array.from({ length: 20 }, () => records.amend(uuid, count)));
  expect((await records.read(uuid))?.value.attempts).toBe(20);
});

test.each(['done', 'conflict'] as const)(
  'a write that succeeded counts as one, although its answer says otherwise (%s)',
  async (fault) => {
    const { records, faults } = open();
    faults.push(fault);
    expect(await records.write(fresh(), null)).toBe(true);
    let changes = 0;
    faults.push(fault);
    await records.amend(uuid, (record) => {
      changes += 1;
      return { ...record!, attempts: record!.attempts + 1 };
    });
    expect(changes).toBe(1);
    expect((await records.read(uuid))?.value.attempts).toBe(1);
  },
);

test('a write that is lost is an error, and leaves the record as it was', async () => {
  const { records, faults } = open();
  await records.write(fresh(), null);
  faults.push('lost');
  const change = (record: DeviceRecord | null) => ({ ...record!, attempts: 5 });
  expect(await thrownBy(records.amend(uuid, change))).toMatchObject({ code: 'records-unavailable' });
  expect((await records.read(uuid))?.value.attempts).toBe(0);
});

test('amend gives up on a record that changes after every read', async () => {
  const value = fresh();
  const table = {
    ...memoryTable<DeviceRecord>(),
    get: async () => ({ value: { ...value, stamp: 'of another' }, etag: 'old' }),
    put: async () => false,
  };
  expect(await thrownBy(openTestRecords(table, clock).amend(uuid, () => value))).toMatchObject({
    code: 'records-unavailable',
  });
});

const device = (nibble: string) => nibble.repeat(32);
const uuidsIn = async (records: Records, list: ListName, before?: number) => {
  const found: string[] = [];
  for await (const { value } of records.listed(list, before)) found.push(value.uuid);
  return found.sort();
};

test('only pending jobs and checks that were due before a time are overdue', async () => {
  const { records } = open();
  const add = (id: string, job: DeviceRecord['job'], check: DeviceRecord['check'] = null) =>
    records.write({ ...fresh(id), job, check }, null);
  await add(device('0'), null);
  await add(device('1'), { generation: 1, due: now - 1_000 });
  await add(device('2'), null, { generation: 1, due: now - 2_000 });
  await add(device('3'), { generation: 1, due: now });
  await add(device('4'), { generation: 1, due: now - 1_000, dead: { at: now } });
  await add(device('5'), { generation: 1, due: now, dead: { at: now } }, { generation: 2, due: now - 1_000 });
  expect(await uuidsIn(records, 'pending', now)).toEqual([device('1'), device('2'), device('5')]);
  expect(await uuidsIn(records, 'dead')).toEqual([device('4'), device('5')]);
});

test('a record whose work is put off stays in the list, and is found at its new time', async () => {
  const { records } = open();
  await records.write({ ...fresh(), job: { generation: 1, due: now - 1_000 } }, null);
  const putOff = (due: number) =>
    records.amend(uuid, (record) => ({ ...record!, job: { generation: 2, due } }));
  await putOff(now + 5_000);
  expect(await uuidsIn(records, 'pending', now)).toEqual([]);
  expect(await uuidsIn(records, 'pending', now + 5_000)).toEqual([]);
  expect(await uuidsIn(records, 'pending', now + 5_001)).toEqual([uuid]);
  await putOff(now - 2_000);
  expect(await uuidsIn(records, 'pending', now - 1_999)).toEqual([uuid]);
  expect(await records.countListed('pending')).toBe(1);
});

test('a record leaves the list when nothing is pending any more', async () => {
  const { records } = open();
  await records.write({ ...fresh(), job: { generation: 1, due: now } }, null);
  expect(await records.countListed('pending')).toBe(1);
  await records.amend(uuid, (record) => ({ ...record!, job: null }));
  expect(await records.countListed('pending')).toBe(0);
});

test('the row of a list is written before the record, and a row without a record is removed a day later', async () => {
  const { records, faults, lists, time } = open();
  faults.push('lost');
  expect(await thrownBy(records.write(fresh(), null))).toMatchObject({ code: 'records-unavailable' });
  expect(await records.countListed('pending')).toBe(1);
  expect(await uuidsIn(records, 'pending')).toEqual([]);
  expect(await records.countListed('pending')).toBe(1);
  time.now += 25 * 3_600_000;
  await uuidsIn(records, 'pending');
  expect(await collect(lists.rows())).toEqual([]);
});

test('a row that was left behind is removed an hour later', async () => {
  const { records, lists, time } = open();
  await records.write({ ...fresh(), job: null }, null);
  await lists.put(
    { partition: `dead-${uuid.slice(0, 2)}`, row: `${uuid}.left` },
    { list: 'dead', uuid, row: 'left', at: 0, listedAt: now },
    null,
    { at: 0 },
  );
  await records.repairLists(uuid.slice(0, 2));
  expect(await records.countListed('dead')).toBe(1);
  time.now += 3_600_001;
  await records.repairLists(uuid.slice(0, 2));
  expect(await records.countListed('dead')).toBe(0);
});

test('the repair writes the rows of a record that was restored by hand', async () => {
  const { records, lists } = open();
  await records.write({ ...fresh(), job: { generation: 1, due: now - 1_000 } }, null);
  for (const { value } of await collect(lists.rows()))
    await lists.remove({ partition: `${value.list}-${uuid.slice(0, 2)}`, row: `${uuid}.${value.row}` });
  expect(await uuidsIn(records, 'pending', now)).toEqual([]);
  await records.repairLists(uuid.slice(0, 2));
  expect(await uuidsIn(records, 'pending', now)).toEqual([uuid]);
});

test('certificates and removals are read by their time only', async () => {
  const { records } = open();
  const day = 86_400_000;
  const certified = (nibble: string, hubSeenAt: number) =>
    records.write(
      { ...fresh(device(nibble)), job: null, observed: { ...fresh().observed, thumbprint: 'A', hubSeenAt } },
      null,
    );
  await certified('1', now - 9 * day);
  await certified('2', now - 7 * day - 1);
  await certified('3', now - 7 * day + 1);
  await certified('4', now);
  expect(await uuidsIn(records, 'care', now)).toEqual([device('1'), device('2')]);
  const unknown = { generation: 1, due: now, dead: { at: now - day, unknown: true } } as const;
  await records.write({ ...fresh(device('5')), job: unknown }, null);
  expect(await uuidsIn(records, 'removal', now + 1)).toEqual([device('5')]);
  expect(await uuidsIn(records, 'dead')).toEqual([]);
});

test('the expiries of certificates are read by their time, without the records, and a renewed certificate has one row', async () => {
  const { records, lists, time } = open();
  const day = 86_400_000;
  const { observed } = fresh();
  const expiresAt = (notAfter: number, thumbprint: string | null = 'A', record = fresh()) => ({
    ...{ ...record, job: null, scopes: [] },
    observed: { ...observed, thumbprint, notBefore: now - 300 * day, notAfter, hubSeenAt: now },
  });
  const expiring = async (before: number) =>
    (await records.listedEntries('expiring', before)).map((entry) => entry.expiresAt);
  await records.write(expiresAt(now + 5 * day), null);
  expect([await expiring(now + 5 * day), await expiring(now + 5 * day + 1)]).toEqual([[], [now + 5 * day]]);
  await records.amend(uuid, (record) => record && expiresAt(now + 90 * day, 'A', record));
  expect([await expiring(now + 89 * day), await expiring(now + 91 * day)]).toEqual([[], [now + 90 * day]]);
  expect((await collect(lists.rows())).filter(({ value }) => value.list === 'expiring')).toHaveLength(1);
  // A process that has died has left another row.
  const left = { list: 'expiring', uuid, row: 'left', at: now - day, listedAt: now } as const;
  await lists.put(
    { partition: `expiring-${new Date(now - day).toISOString().slice(0, 10)}-ab`, row: `${uuid}.left` },
    left,
    null,
    { at: now - day },
  );
  time.now += 3_600_001;
  await records.repairLists(uuid.slice(0, 2));
  expect((await collect(lists.rows())).filter(({ value }) => value.list === 'expiring')).toHaveLength(1);
  await records.amend(uuid, (record) => record && expiresAt(now + 90 * day, null, record));
  expect(await expiring(now + 91 * day)).toEqual([]);
});

test('a removed record leaves no row, and a changed record is not removed', async () => {
  const { records, lists } = open();
  await records.write(fresh(), null);
  const found = (await records.read(uuid))!;
  await records.amend(uuid, (record) => record);
  expect(await records.remove(found)).toBe(false);
  expect(await records.remove((await records.read(uuid))!)).toBe(true);
  expect(await records.read(uuid)).toBeNull();
  expect(await collect(lists.rows())).toEqual([]);
});

test('many summaries are read by a scan of their partitions, and a few one by one', async () => {
  const { records } = open();
  const uuids = Array.from({ length: 20 }, (_, i) => `aa${i.toString(16).padStart(30, '0')}`);
  await pLimit(20).map(uuids, (each) => records.write({ ...fresh(), uuid: each }, null));
  await records.write(fresh(device('b')), null);
  const wanted = [...uuids.slice(3, 15), device('b'), device('c')];
  const found = await records.summariesOf(wanted);
  expect(found.map((summary) => summary.uuid).sort()).toEqual([...uuids.slice(3, 15), device('b')]);
});

test('devices that may need an operator are counted by reason', async () => {
  const { records } = open();
  const error = { code: 'device-not-visible', step: null, message: '', at: now } as const;
  const idle = (nibble: string) => ({ ...fresh(device(nibble)), job: null, error });
  const { observed } = fresh();
  const outside = { ...observed, outside: { since: now, sightings: 1, isHandled: false } };
  await records.write(fresh(device('1')), null);
  await records.write(idle('2'), null);
  await records.write({ ...idle('3'), observed: outside }, null);
  await records.write(
    { ...fresh(device('4')), error, job: { generation: 1, due: now, dead: { at: now } } },
    null,
  );
  await records.write({ ...idle('5'), check: { generation: 1, due: now } }, null);
  expect(await records.countListed('check-failed')).toBe(2);
  expect(await records.countListed('outside')).toBe(1);
});

test('devices are spread over partitions by the first two digits of their uuid', async () => {
  const keys: Key[] = [];
  const table = {
    ...memoryTable<DeviceRecord>(),
    get: async (key: Key) => {
      keys.push(key);
      return null;
    },
  };
  await openTestRecords(table, clock).read(uuid);
  expect(keys).toEqual([{ partition: 'ab', row: uuid }]);
});
