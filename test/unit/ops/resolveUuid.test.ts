import type { DeviceRecord } from '../../../src/device/record.js';
import { newRecord } from '../../../src/device/transitionParts.js';
import { resolveUuid } from '../../../src/ops/devices/resolve.js';
import type { ErasableTable, ScannedTable } from '../../../src/storage/table.js';
import { memoryTable } from '../../support/memoryTable.js';
import { openTestRecords } from '../../support/openTestRecords.js';

const now = 1_800_000_000_000;
const clock = { now: () => now, sleep: async () => {} };
const desired = { present: true, service: '', requestId: 'r', requestedAt: now };

/** Records of these devices, and the filters of all searches. */
async function recordsOf(...uuids: string[]) {
  const filters: (string | undefined)[] = [];
  const table = memoryTable<DeviceRecord>();
  const watched: ScannedTable<DeviceRecord> & ErasableTable<DeviceRecord> = {
    ...table,
    column(name, filter) {
      filters.push(filter);
      return table.column(name, filter);
    },
  };
  const records = openTestRecords(watched, clock);
  for (const uuid of uuids) await records.write(newRecord(uuid, desired, now), null);
  return { records, filters };
}

const one = '0123456a'.padEnd(32, '0');
const long = '0123456b'.padEnd(62, 'f');
const other = '01ffffff'.padEnd(32, '0');

test('the first digits name a device if no other UUID starts with them', async () => {
  const { records } = await recordsOf(one, long, other);
  expect(await resolveUuid(records, '01fffff')).toBe(other);
  expect(await resolveUuid(records, '0123456A')).toBe(one);
  expect(await resolveUuid(records, long.slice(0, 61))).toBe(long);
});

test('a full UUID costs no search, whether the device has a record or not', async () => {
  const { records, filters } = await recordsOf(one);
  const unknown = 'F'.repeat(62);
  expect(await resolveUuid(records, one)).toBe(one);
  expect(await resolveUuid(records, unknown)).toBe(unknown.toLowerCase());
  expect(filters).toEqual([]);
});

test('a search reads one range of one partition', async () => {
  const { records, filters } = await recordsOf(one);
  await resolveUuid(records, '0123456');
  expect(filters).toEqual(["PartitionKey eq '01' and RowKey ge '0123456' and RowKey lt '0123456g'"]);
});

test('the same first digits of several devices are refused, and the devices are listed', async () => {
  const { records } = await recordsOf(one, long, other);
  await expect(resolveUuid(records, '0123456')).rejects.toMatchObject({
    code: 'ops.ambiguous-uuid',
    status: 400,
    message: `Several devices have a UUID that starts with 0123456: ${one}, ${long}. Use more digits.`,
  });
  const many = Array.from({ length: 9 }, (_, at) => `0123456${at}`.padEnd(32, '0'));
  const crowd = await recordsOf(...many);
  const error = await resolveUuid(crowd.records, '0123456').catch((thrown: Error) => thrown.message);
  expect(error).toContain(`${many[4]}, and more. Use more digits.`);
  expect(error).not.toContain(many[5]);
});

test('unknown first digits are told apart from a wrong form', async () => {
  const { records } = await recordsOf(one);
  await expect(resolveUuid(records, 'abcdef1')).rejects.toMatchObject({
    code: 'ops.no-such-device',
    status: 404,
    message: expect.stringContaining('starts with abcdef1'),
  });
  for (const wrong of ['012345', 'x'.repeat(7), '', "0123456'", 'a'.repeat(63)])
    await expect(resolveUuid(records, wrong)).rejects.toMatchObject({ code: 'ops.bad-uuid', status: 400 });
});
