import type { DeviceRecord } from '../../../src/device/record.js';
import { requestCheck } from '../../../src/provisioning/check.js';
import { acceptDependencies } from '../../support/acceptTools.js';
import { failed, now, provisioned, queued, uuid } from '../../support/records.js';

async function checked(before: DeviceRecord, forceVerify = false) {
  const system = acceptDependencies(now);
  await system.put(before);
  await requestCheck(system.deps, uuid, { forceVerify });
  return { ...system, after: await system.record(uuid) };
}

test('a device that nobody works on is looked at; what it should be stays', async () => {
  const { after, sent } = await checked({ ...provisioned, attempts: 3, retries: 4 });
  expect(after).toMatchObject({
    desired: provisioned.desired,
    check: { due: now },
    attempts: 0,
    retries: 0,
  });
  expect(after.check).not.toHaveProperty('forceVerify');
  expect(sent).toMatchObject([
    { generation: after.lastGeneration, requestId: provisioned.desired.requestId },
  ]);
});

test('it can be put off', async () => {
  const system = acceptDependencies(now);
  await system.put(provisioned);
  await requestCheck(system.deps, uuid, { due: now + 60_000 });
  expect((await system.record(uuid)).check).toMatchObject({ due: now + 60_000 });
  expect(system.sent).toMatchObject([{ at: now + 60_000 }]);
});

test('an audit also has the hub asked', async () => {
  expect((await checked(provisioned, true)).after.check).toMatchObject({ forceVerify: true });
});

test('a check of a pending change sends nothing: the check follows the change', async () => {
  const { after, sent } = await checked(queued, true);
  expect(after).toMatchObject({ job: queued.job, check: { forceVerify: true, due: now } });
  expect(sent).toEqual([]);
});

test('a check that waits already is not written again', async () => {
  const { deps, put, sent, table } = acceptDependencies(now);
  await put(provisioned);
  await requestCheck(deps, uuid);
  const writes = table.writes;
  await requestCheck(deps, uuid);
  expect([table.writes, sent.length]).toEqual([writes, 1]);
});

test('a check that waits already takes over that the hub must be asked, and the conclusion of a sweep', async () => {
  const { deps, put, record } = acceptDependencies(now);
  await put(provisioned);
  await requestCheck(deps, uuid);
  const waits = (await record(uuid)).check;
  await requestCheck(deps, uuid, { forceVerify: true, notice: 'outside' });
  expect((await record(uuid)).check).toEqual({ ...waits, forceVerify: true, notice: 'outside' });
});

test('a device whose last request failed for good is checked, and the dead job stays', async () => {
  const { after, sent } = await checked(failed);
  expect(after).toMatchObject({ job: failed.job, error: failed.error, check: { due: now } });
  expect(sent).toMatchObject([{ generation: after.check?.generation }]);
});

test('an event brings forward a check that was requested for later', async () => {
  const system = acceptDependencies(now);
  await system.put(provisioned);
  await requestCheck(system.deps, uuid, { due: now + 3_600_000 });
  await requestCheck(system.deps, uuid);
  expect((await system.record(uuid)).check?.due).toBe(now);
  expect(system.sent).toMatchObject([{ at: now + 3_600_000 }, { at: now }]);
  // A third request changes nothing.
  await requestCheck(system.deps, uuid, { due: now + 60_000 });
  expect(system.sent).toHaveLength(2);
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
  expect((await record(uuid)).check).toMatchObject({ unsent: true });
  queue.fails = false;
  await requestCheck(deps, uuid);
  expect(sent).toHaveLength(1);
});
