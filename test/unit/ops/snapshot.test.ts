import { openDeviceSnapshots } from '../../../src/ops/devices/snapshot.js';
import { handClock } from '../../support/handClock.js';
import { memoryTable } from '../../support/memoryTable.js';
import { openTestRecords } from '../../support/openTestRecords.js';
import { now, provisioned } from '../../support/records.js';

const minutes = 60_000;
const uuidOf = (i: number) => i.toString(16).padStart(2, '0').padEnd(32, '0');

/** All records, in a range for each first digit. */
const allRanges = Array.from({ length: 16 }, (_, i) => {
  const digit = i.toString(16);
  return `PartitionKey ge '${digit}' and PartitionKey lt '${digit}g'`;
});

/** One device in each partition. The readings of the table are noted by their filters. */
async function open() {
  const clock = handClock(now);
  const table = memoryTable<typeof provisioned>();
  const filters: (string | undefined)[] = [];
  const records = openTestRecords(
    {
      ...table,
      column(name, filter) {
        filters.push(filter);
        return table.column(name, filter);
      },
    },
    clock,
  );
  for (let i = 0; i < 256; i += 1) await records.write({ ...provisioned, uuid: uuidOf(i) }, null);
  const snapshots = openDeviceSnapshots({ records, clock });
  const uuids = async () => {
    filters.length = 0;
    const { devices } = await snapshots.read(0);
    return new Set([...devices].map(({ uuid }) => uuid));
  };
  return { clock, records, filters, uuids };
}

test('all records are read once, and then the changed records and one partition after the other', async () => {
  const { clock, filters, uuids, records } = await open();
  expect((await uuids()).size).toBe(256);
  expect(filters).toEqual(allRanges);
  clock.at += 8_000;
  await records.write({ ...provisioned, uuid: 'f'.repeat(32) }, null);
  expect(await uuids()).toContain('f'.repeat(32));
  const partitions = filters.filter((filter) => filter?.includes('PartitionKey'));
  expect(partitions).toHaveLength(2);
  expect(filters).toHaveLength(3);
});

test('a record that was removed is missing after a quarter of an hour at the latest, without a reading of all records', async () => {
  const { clock, filters, uuids, records } = await open();
  await uuids();
  const found = await records.read(uuidOf(200));
  await records.remove(found!);
  for (let read = 0; read < 15; read += 1) {
    clock.at += minutes;
    const known = await uuids();
    expect(filters).not.toContain(allRanges[0]);
    if (!known.has(uuidOf(200))) return;
  }
  throw new Error('the removed record is still there');
});

test('after a quarter of an hour without a reading, all records are read at once', async () => {
  const { clock, filters, uuids } = await open();
  await uuids();
  clock.at += 16 * minutes;
  await uuids();
  expect(filters).toEqual(allRanges);
});
