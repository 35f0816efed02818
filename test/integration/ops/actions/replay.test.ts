import { readAction } from '../../../../src/ops/bulk/read.js';
import { startAction } from '../../../../src/ops/bulk/start.js';
import { requestId, start, uuidOf } from '../../../support/opsTools.js';
import { useFailedDevices } from './support/useFailedDevices.js';

const { withFailed } = await useFailedDevices();

test('each device is requested again at the rate, under a new generation, and the action keeps the earlier error', async () => {
  const { deps, sent, work, started, record } = await withFailed(3);
  const id = await started({ rate: 60, by: 'Ada' });
  await work();
  expect(
    sent.map(({ uuid, at, generation, messageId }) => [uuid, at - start, generation, messageId]),
  ).toEqual([
    [uuidOf(0), 0, 8, `${requestId}.8`],
    [uuidOf(1), 1_000, 8, `${requestId}.8`],
    [uuidOf(2), 2_000, 8, `${requestId}.8`],
  ]);
  expect(await record(1)).toMatchObject({
    job: { generation: 8, due: start + 1_000 },
    replays: 1,
    attempts: 0,
    error: null,
    action: { id, error: { code: 'service-not-found' } },
    history: [{ type: 'replayed', note: 'requested again by Ada' }],
  });
  expect((await readAction(deps, id)).counts).toMatchObject({ requested: 3, underWay: 3, succeeded: 0 });
});

test('without a rate a replay runs at the rate of the hub', async () => {
  const { sent, work, started } = await withFailed(2);
  await started();
  await work();
  expect(sent[1]!.at - sent[0]!.at).toBe(600);
});

test('an action is done when all its requests have finished, and its counts are final', async () => {
  const { deps, work, started, settle, put } = await withFailed(2);
  const id = await started();
  await work();
  expect((await readAction(deps, id)).state).toBe('running');
  await settle(0, 'done');
  await settle(1, 'failed');
  await work();
  const done = await readAction(deps, id);
  expect(done).toMatchObject({
    state: 'done',
    counts: { requested: 2, succeeded: 1, failed: 1, underWay: 0 },
  });
  await put(1, { action: null });
  expect(await readAction(deps, id)).toEqual(done);
});

test('a ramp starts with ten devices, and continues with twice as many after success', async () => {
  const { deps, sent, work, started, settle } = await withFailed(40);
  const id = await started({ ramp: true });
  await work();
  expect(sent).toHaveLength(10);
  await work();
  expect(sent).toHaveLength(10);
  for (let index = 0; index < 10; index += 1) await settle(index, index === 0 ? 'failed' : 'done');
  await work();
  expect(sent).toHaveLength(30);
  for (let index = 10; index < 30; index += 1) await settle(index, index < 13 ? 'failed' : 'done');
  await work();
  expect(await readAction(deps, id)).toMatchObject({
    state: 'halted',
    counts: { requested: 30, succeeded: 26, failed: 4 },
    note: 'Halted: 3 of the last 20 failed again. 10 were not requested. Find and fix the cause, then make a new plan.',
  });
  expect(sent).toHaveLength(30);
});

test('a device that has changed since the plan is left alone', async () => {
  const { deps, sent, work, started, planned, put, record } = await withFailed(4);
  const { id } = await planned();
  const moved = {
    present: false,
    service: null,
    requestId: requestId.replace('0000-7', '0001-7'),
    requestedAt: start,
  };
  await put(0, { desired: moved });
  await put(1, { job: null });
  const discarded = { at: start, by: 'Bob', reason: 'scrapped' };
  await put(2, { job: { generation: 7, due: start, dead: { at: start, discarded } } });
  await startAction(deps, id);
  await work();
  expect(sent.map(({ uuid }) => uuid)).toEqual([uuidOf(3)]);
  expect((await record(2)).replays).toBe(0);
  expect((await readAction(deps, id)).counts).toMatchObject({ requested: 4, superseded: 3, underWay: 1 });
  expect(await started()).not.toBe(id);
});

test('a device with a later request counts as superseded', async () => {
  const { deps, work, started, put } = await withFailed(2);
  const id = await started();
  await work();
  await put(0, { action: null, job: null });
  expect((await readAction(deps, id)).counts).toMatchObject({ requested: 2, superseded: 1, underWay: 1 });
});

test("a replay of a dead letter without a record creates the record, with a generation above the dead letter's", async () => {
  const all = await withFailed(0);
  const body = {
    v: 1,
    uuid: uuidOf(9),
    requestId,
    generation: 2_000_000_000,
    due: start,
    operation: 'provision',
    service: 'main',
  };
  all.deadLetter(body, '12', { reason: 'MaxDeliveryCountExceeded' });
  await all.started();
  await all.work();
  expect(await all.record(9)).toMatchObject({
    desired: { present: true, service: 'main', requestId },
    job: { generation: 2_000_000_001 },
    firstGeneration: 2_000_000_001,
    lastGeneration: 2_000_000_001,
  });
  expect(all.sent).toMatchObject([{ uuid: uuidOf(9), generation: 2_000_000_001 }]);
});
