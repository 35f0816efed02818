import type { DeviceRecord } from '../../../src/device/record.js';
import { requestCheck } from '../../../src/provisioning/check.js';
import { acceptDependencies } from '../../support/acceptTools.js';
import { failed, now, provisioned, queued, uuid } from '../../support/records.js';

async function checked(before: DeviceRecord, forceVerify = false) {
  const system = acceptDependencies(now);
  await system.put(before);
  await requestCheck(system.deps, uuid, forceVerify);
  return { ...system, after: await system.record(uuid) };
}

test('a device that nobody works on is looked at; what it should be stays', async () => {
  const { after, sent } = await checked({ ...provisioned, attempts: 3, retries: 4 });
  expect(after).toMatchObject({
    desired: provisioned.desired,
    job: { kind: 'check', due: now },
    attempts: 0,
    retries: 0,
  });
  expect(after.job).not.toHaveProperty('forceVerify');
  expect(sent).toMatchObject([
    { generation: after.lastGeneration, requestId: provisioned.desired.requestId },
  ]);
});

test('it can be put off', async () => {
  const system = acceptDependencies(now);
  await system.put(provisioned);
  await requestCheck(system.deps, uuid, false, now + 60_000);
  expect((await system.record(uuid)).job).toMatchObject({ kind: 'check', due: now + 60_000 });
  expect(system.sent).toMatchObject([{ at: now + 60_000 }]);
});

test('an audit also has the hub asked', async () => {
  expect((await checked(provisioned, true)).after.job).toMatchObject({ kind: 'check', forceVerify: true });
});

test.each<[string, DeviceRecord]>([
  ['pending', queued],
  ['given up', failed],
])('work that is %s stays as it is', async (_, record) => {
  const { table, sent } = await checked(record);
  expect([table.writes, sent]).toEqual([0, []]);
});

test('a pending job takes over the verification that an audit asks for, under the same number', async () => {
  const { after, sent } = await checked(queued, true);
  expect(after.job).toEqual({ ...queued.job, forceVerify: true });
  expect(sent).toMatchObject([{ generation: 1 }]);
});

test('an audit leaves a given-up request alone', async () => {
  expect((await checked(failed, true)).table.writes).toBe(0);
});

test('a device that was never asked for is none of our business', async () => {
  const { deps, table } = acceptDependencies(now);
  await requestCheck(deps, uuid);
  expect(table.writes).toBe(0);
});

test('what could not be sent is marked, and sent with the next hint', async () => {
  const { deps, queue, record, put, sent } = acceptDependencies(now);
  await put(provisioned);
  queue.fails = true;
  await expect(requestCheck(deps, uuid)).rejects.toMatchObject({ code: 'queue-unavailable' });
  expect((await record(uuid)).job).toMatchObject({ kind: 'check', unsent: true });
  queue.fails = false;
  await requestCheck(deps, uuid);
  expect(sent).toHaveLength(1);
});
