import type { Action } from '../../src/ops/bulk/schema.js';
import { waitFor } from '../support/waitFor.js';
import { useSystem } from './support/useSystem.js';

const system = await useSystem();
const { balena, ops, queue } = system;

/** Devices that failed for good, because their service does not exist. */
async function failed(count: number, service: string): Promise<string[]> {
  const uuids = await balena.newDevices(count);
  await Promise.all(uuids.map((uuid) => system.post(uuid, service)));
  await Promise.all(uuids.map((uuid) => system.state(uuid, 'failed')));
  return uuids;
}

/** Replays one device and waits for the end of the replay. */
async function replayOne(uuid: string) {
  const { id } = await ops.plan({ kind: 'replay', filter: { uuid } });
  await ops.start(id);
  return ops.ends(id, 'done');
}

test('a ramp stops while the cause persists, and leaves the other devices alone', async () => {
  const uuids = await failed(30, 'halting');
  const { id } = await ops.plan({ kind: 'replay', filter: { code: 'service-not-found' } });
  await ops.start(id, { ramp: true });
  const halted = await ops.ends(id, 'halted');
  expect(halted.counts).toMatchObject({ planned: 30, requested: 10, failed: 10, succeeded: 0, underWay: 0 });
  expect(halted.note).toMatch(/^Halted: 10 of the last 10 failed again\. 20 were not requested/);
  const histories = await Promise.all(uuids.map((uuid) => ops.history(uuid)));
  expect(histories.filter(({ device }) => device.replays === 0)).toHaveLength(20);
  const { id: discard } = await ops.plan({ kind: 'discard', reason: 'not needed any more' });
  await ops.start(discard);
  await ops.ends(discard, 'done');
});

/** Cancels a replay when some of its devices are provisioned. On a machine that stood still, all are, and another replay follows. */
async function cancelledHalfway(service: string): Promise<{ uuids: string[]; cancelled: Action }> {
  const uuids = await failed(12, service);
  await balena.addService(service);
  const { id } = await ops.plan({ kind: 'replay', filter: { code: 'service-not-found' } });
  // One request every two seconds.
  await ops.start(id, { rate: 30, by: 'Ada' });
  await waitFor('two devices are provisioned', async () => (await ops.action(id)).counts.succeeded >= 2);
  // A replay that has ended cannot be cancelled.
  await ops.cancel(id, { by: 'Bob' }).catch(() => {});
  const ended = await waitFor('the replay has ended', async () => {
    const found = await ops.action(id);
    return (found.state === 'cancelled' || found.state === 'done') && found;
  });
  return ended.counts.cancelled > 0 ? { uuids, cancelled: ended } : cancelledHalfway(`${service}-again`);
}

test('a cancelled replay leaves each device provisioned, or failed with a dead letter, and can be repeated', async () => {
  const { uuids, cancelled } = await cancelledHalfway('later');
  const { succeeded, cancelled: givenUp } = cancelled.counts;
  expect(cancelled).toMatchObject({
    state: 'cancelled',
    startedBy: 'Ada',
    cancelledBy: 'Bob',
    counts: { failed: 0, underWay: 0 },
  });
  expect(succeeded + givenUp).toBe(12);

  const page = await ops.freshDeadLetters({ status: 'cancelled' });
  expect(page.total).toBe(givenUp);
  expect(page.deadLetters.every(({ code }) => code === 'service-not-found')).toBe(true);
  const stays = page.deadLetters[0]?.uuid ?? '';
  expect((await ops.history(stays)).history.at(-1)).toMatchObject({
    type: 'cancelled',
    note: expect.stringContaining('Bob'),
  });
  // The message of a cancelled request stays in the queue and is dead-lettered when due.
  await waitFor(
    'every message that was scheduled has fallen due',
    async () => (await queue.messages()).length === 0,
  );
  const { deadLetters } = await ops.freshDeadLetters({ status: 'cancelled', limit: '100' });
  expect(deadLetters).toHaveLength(givenUp);
  expect(deadLetters.every(({ sequenceNumber }) => sequenceNumber !== null)).toBe(true);

  const again = await ops.plan({ kind: 'replay' });
  expect(again.counts.planned).toBe(givenUp);
  await ops.start(again.id);
  expect((await ops.ends(again.id, 'done')).counts).toMatchObject({ succeeded: givenUp });
  await Promise.all(uuids.map((uuid) => system.state(uuid, 'provisioned')));
});

test('a plan fixes its set: later failures and later requests are not replayed', async () => {
  const [first, moved] = await failed(2, 'unknown');
  const plan = await ops.plan({ kind: 'replay' });
  expect(plan.counts.planned).toBe(2);
  const [later] = await failed(1, 'unknown');
  await system.post(moved!, 'main');
  await system.state(moved!, 'provisioned');
  await ops.start(plan.id);
  const done = await ops.ends(plan.id, 'done');
  expect(done.counts).toMatchObject({ planned: 2, superseded: 1, failed: 1 });
  expect((await ops.history(first!)).device.replays).toBe(1);
  expect((await ops.history(later!)).device.replays).toBe(0);
  expect((await system.get(moved!)).json).toMatchObject({ state: 'provisioned', service: 'main' });
});

test('a device that failed again after three replays is quarantined: listed, left out of a replay, and replayed by name', async () => {
  const [uuid] = await failed(1, 'hopeless');
  for (let times = 0; times < 3; times += 1) await replayOne(uuid!);
  const { device } = await ops.history(uuid!);
  expect(device).toMatchObject({ state: 'failed', replays: 3 });
  const { deadLetters } = await ops.freshDeadLetters({ uuid: uuid! });
  expect(deadLetters.filter(({ superseded }) => !superseded)).toMatchObject([
    { status: 'quarantined', replays: 3 },
  ]);
  const plan = await ops.plan({ kind: 'replay', filter: { code: 'service-not-found' } });
  expect(plan.counts.quarantined).toBe(1);
  await balena.addService('hopeless');
  expect((await replayOne(uuid!)).counts).toMatchObject({ planned: 1, succeeded: 1 });
});

test('the limit takes the devices that failed first', async () => {
  await failed(1, 'limits');
  const before = await ops.freshDeadLetters({ status: 'failed', order: 'oldest', limit: '2' });
  const plan = await ops.plan({ kind: 'replay', filter: { status: 'failed' } });
  await ops.start(plan.id, { limit: 2 });
  const done = await ops.ends(plan.id, 'done');
  expect(done).toMatchObject({ limit: 2, counts: { requested: 2 } });
  for (const { uuid, replays } of before.deadLetters)
    expect((await ops.history(uuid!)).device.replays).toBe(replays + 1);
});

test('one dead letter is replayed by its sequence number, and an unreadable dead letter is discarded by its sequence number', async () => {
  const [uuid] = await failed(1, 'numbered');
  const deadLetter = await waitFor('its dead letter is listed', async () =>
    (await ops.deadLetters({ uuid: uuid! })).deadLetters.find(
      ({ sequenceNumber }) => sequenceNumber !== null,
    ),
  );
  const plan = await ops.plan({ kind: 'replay', filter: { sequenceNumber: deadLetter.sequenceNumber! } });
  expect(plan.counts.planned).toBe(1);
  await ops.start(plan.id);
  await ops.ends(plan.id, 'done');
  expect((await ops.history(uuid!)).device.replays).toBe(1);

  await queue.send('an unreadable text');
  const poison = await waitFor(
    'the unreadable dead letter is listed',
    async () => (await ops.deadLetters({ status: 'unreadable' })).deadLetters[0],
  );
  expect(poison).toMatchObject({ uuid: null, code: 'bad-message' });
  const everything = await ops.plan({ kind: 'replay' });
  expect(everything.note).toMatch(/Left out: 1\.$/);
  const filter = { sequenceNumber: poison.sequenceNumber! };
  const discard = await ops.plan({ kind: 'discard', filter, reason: 'sent by a test' });
  await ops.start(discard.id);
  expect((await ops.ends(discard.id, 'done')).counts).toMatchObject({ planned: 1, succeeded: 1 });
});

test('a discarded dead letter is listed only on request, is not replayed, and shows who discarded it and why', async () => {
  const [uuid] = await failed(1, 'scrapped');
  const discard = await ops.plan({
    kind: 'discard',
    filter: { uuid },
    reason: 'the device was scrapped',
    by: 'Ada',
  });
  await ops.start(discard.id);
  await ops.ends(discard.id, 'done');
  expect((await ops.freshDeadLetters({ uuid: uuid! })).total).toBe(0);
  expect((await ops.deadLetters({ uuid: uuid!, status: 'discarded' })).total).toBeGreaterThan(0);
  expect((await ops.plan({ kind: 'replay', filter: { uuid } })).counts.planned).toBe(0);
  expect((await ops.history(uuid!)).device.discarded).toMatchObject({
    by: 'Ada',
    reason: 'the device was scrapped',
  });
  expect((await ops.audit({ kind: 'discard' })).actions[0]).toMatchObject({
    reason: 'the device was scrapped',
  });
});
