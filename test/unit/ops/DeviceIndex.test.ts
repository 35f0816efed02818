import {
  type IndexEntry,
  indexEntryOf,
  readIndexEntry,
  writeIndexEntry,
} from '../../../src/device/indexEntry.js';
import type { DeviceRecord } from '../../../src/device/record.js';
import { requestPartOf } from '../../../src/device/refusal.js';
import { summarize } from '../../../src/device/summary.js';
import { DeviceIndex } from '../../../src/ops/devices/DeviceIndex.js';
import { failed, now, provisioned, queued } from '../../support/records.js';

const uuidOf = (index: number) => index.toString(16).padStart(6, '0').padEnd(32, 'a');
/** The entry as a table stores it. */
const entryOf = (uuid: string, record: DeviceRecord = provisioned) =>
  readIndexEntry(writeIndexEntry(indexEntryOf(summarize({ ...record, uuid }))));

function indexOf(...entries: IndexEntry[]): DeviceIndex {
  const index = new DeviceIndex();
  for (const entry of entries) index.put(entry);
  return index;
}

test('a device has the fields of its summary that lists and counts need', () => {
  const fleet = { ...provisioned.observed, fleet: 'my_org/one' };
  const refusal = requestPartOf({ ...failed, desired: { ...failed.desired, service: 'x' } });
  const lease = { by: 'w', until: now + 5, lateUntil: now + 9, generation: 1 };
  const devices = [
    ...indexOf(
      entryOf(uuidOf(1), { ...provisioned, observed: fleet, completedAt: now }),
      entryOf(uuidOf(2), { ...queued, lease }),
      entryOf(uuidOf(3), failed),
      entryOf(uuidOf(4), { ...provisioned, refusal }),
    ),
  ];
  expect(devices.map(({ uuid }) => uuid)).toEqual([1, 2, 3, 4].map(uuidOf));
  expect(devices.map((device) => device.stateAt(now))).toEqual([
    'provisioned',
    'working',
    'failed',
    'provisioned',
  ]);
  expect(devices.map((device) => device.stateAt(now + 5))[1]).toBe('queued');
  expect(devices[0]).toMatchObject({
    fleet: 'my_org/one',
    service: 'main',
    requestedAt: provisioned.desired.requestedAt,
    completedAt: now,
    expiresAt: provisioned.observed.notAfter,
    due: 0,
    present: { job: 'none', code: null, step: null },
    refused: { job: 'none' },
  });
  expect(devices[1]).toMatchObject({ fleet: null, due: queued.job?.due, present: { job: 'pending' } });
  const dead = { job: 'dead', code: 'device-not-found', step: 'validate' };
  expect(devices[2]?.present).toEqual(dead);
  expect(devices[3]?.refused).toEqual(dead);
});

test('a later summary replaces the earlier one, in whatever order the devices came, and of both lengths of uuids', () => {
  const uuids = Array.from({ length: 5_000 }, (_, i) => uuidOf(i));
  const long = `${uuidOf(7)}${'a'.repeat(30)}`;
  const index = indexOf(...uuids.map((uuid) => entryOf(uuid, queued)));
  for (const uuid of ['f'.repeat(32), long, `${'0'.repeat(31)}1`]) index.put(entryOf(uuid, queued));
  for (const uuid of [...uuids, long]) index.put(entryOf(uuid));
  expect(index.size).toBe(5_003);
  const states = [...index].map((device) => device.stateAt(now));
  expect(states.filter((state) => state === 'queued')).toHaveLength(2);
  expect(new Set([...index].map(({ uuid }) => uuid)).size).toBe(5_003);
});

test('a hundred thousand devices take ten megabytes', () => {
  const index = new DeviceIndex();
  for (let i = 0; i < 100_000; i += 1) index.put(entryOf(uuidOf(i)));
  expect(index.bytes).toBeLessThan(15_000_000);
});
