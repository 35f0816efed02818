import type { BalenaDevice } from '../../../src/balena/types.js';
import type { DeviceRecord } from '../../../src/device/record.js';
import { removeRecords } from '../../../src/provisioning/removeRecords.js';
import { ProvisioningError } from '../../../src/shared/errors.js';
import { acceptDependencies } from '../../support/acceptTools.js';
import { now, recordWith, uuid } from '../../support/records.js';
import { thrownBy } from '../../support/thrownBy.js';

const day = 86_400_000;
const unknown = recordWith({
  job: { generation: 1, due: now, dead: { at: now, unknown: true } },
  error: { code: 'device-not-found', step: 'validate', message: 'No such device.', at: now },
});
const { observed } = unknown;
const deprovisioned = recordWith({
  desired: { present: false, service: null, requestId: 'r', requestedAt: now },
  observed: { ...observed, hub: 'none', fleet: 'my_org/one' },
  completedAt: now,
});

/** Removes records at a time after the last write, while balena has these devices. */
async function removal(record: DeviceRecord, afterMs: number, has: string[] = [], seesFleet = true) {
  const system = acceptDependencies(now);
  await system.put(record);
  const asked: string[] = [];
  const balena = {
    findDevice: async (of: string) => {
      asked.push(of);
      return has.includes(of) ? ({} as BalenaDevice) : null;
    },
    seesFleet: async () => seesFleet,
  };
  const deps = { records: system.deps.records, clock: system.clock, balena };
  const run = (at: number, signal?: AbortSignal) => {
    system.clock.at = at;
    return removeRecords(deps, signal);
  };
  return { ...system, deps, asked, run, removed: await run(now + afterMs) };
}

test('the record of a device that balena never had is removed a day later, without a request to balena', async () => {
  expect(await removal(unknown, day)).toMatchObject({ removed: 0 });
  const { removed, asked, deps } = await removal(unknown, day + 1);
  expect([removed, asked, await deps.records.read(uuid)]).toEqual([1, [], null]);
});

test('the record of a deprovisioned device is removed after the time of the setting', async () => {
  expect(await removal(deprovisioned, 30 * day)).toMatchObject({ removed: 0, asked: [] });
  const { removed, deps } = await removal(deprovisioned, 30 * day + 1);
  expect([removed, await deps.records.read(uuid)]).toEqual([1, null]);
});

test.each([
  ['that balena still has', [uuid], true],
  ['in a fleet that our key does not see', [], false],
])(
  'the record of a deprovisioned device %s stays as long again: no sweep may provision the device',
  async (_, has, sees) => {
    const { removed, deps, run, asked } = await removal(deprovisioned, 31 * day, has, sees);
    expect(removed).toBe(0);
    expect(await deps.records.read(uuid)).not.toBeNull();
    await run(now + 60 * day);
    expect(asked).toHaveLength(1);
    await run(now + 61 * day + 1);
    expect(asked).toHaveLength(2);
  },
);

const job = { generation: 1, due: now };
test.each<[string, Partial<DeviceRecord>]>([
  ['a pending change', { job }],
  ['a check', { check: { generation: 2, due: now } }],
  ['a failed check', { error: { code: 'timed-out', step: null, message: '', at: now } }],
  ['a dead job', { job: { ...job, dead: { at: now } } }],
  ['late writes', { late: { until: now, scopes: [] } }],
  ['an identity that may exist', { observed: { ...observed, hub: 'unknown' } }],
])('the record of a deprovisioned device with %s stays', async (_, more) => {
  expect(await removal({ ...deprovisioned, ...more }, 100 * day)).toMatchObject({ removed: 0, asked: [] });
});

test('a request that crosses with the removal keeps the record', async () => {
  const { deps, run } = await removal(deprovisioned, day);
  deps.balena.findDevice = async () => {
    await deps.records.amend(uuid, (record) => record && { ...record, attempts: 1 });
    return null;
  };
  expect(await run(now + 31 * day)).toBe(0);
  expect(await deps.records.read(uuid)).not.toBeNull();
});

test('a device that balena cannot look up does not keep the other records', async () => {
  const { deps, run, put } = await removal(deprovisioned, day);
  const other = 'cd'.repeat(16);
  await put({ ...deprovisioned, uuid: other });
  deps.balena.findDevice = async (of) => {
    if (of === uuid) throw new ProvisioningError('balena-unavailable', 'Away.');
    return null;
  };
  expect(await thrownBy(run(now + 31 * day))).toMatchObject({ code: 'balena-unavailable' });
  expect(await deps.records.read(other)).toBeNull();
});

test('a run ends at its deadline, and the next run continues', async () => {
  const { deps, run, put } = await removal(unknown, 0);
  const uuids = Array.from({ length: 200 }, (_, i) => i.toString(16).padStart(32, '0'));
  for (const each of uuids) await put({ ...unknown, uuid: each });
  const deadline = new AbortController();
  const { remove } = deps.records;
  deps.records.remove = (found) => {
    deadline.abort();
    return remove(found);
  };
  expect(await run(now + day + 1, deadline.signal)).toBeLessThan(100);
  expect(await run(now + day + 1, deadline.signal)).toBe(0);
  expect(await run(now + day + 1)).toBeGreaterThan(100);
});
