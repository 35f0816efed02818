import { advanceAction } from '../../../../src/ops/bulk/advance.js';
import { cancelAction } from '../../../../src/ops/bulk/cancel.js';
import { readAction } from '../../../../src/ops/bulk/read.js';
import { openActions } from '../../../../src/ops/bulk/repository.js';
import { startAction } from '../../../../src/ops/bulk/start.js';
import { resendLostWakeUps } from '../../../../src/ops/bulk/wakeUp.js';
import { ProvisioningError } from '../../../../src/shared/errors.js';
import { start } from '../../../support/opsTools.js';
import { useFailedDevices } from './support/useFailedDevices.js';

const { withFailed, tables } = await useFailedDevices();

test('a start or a cancel takes effect although its wake-up message could not be sent, and says so; the timer sends the message', async () => {
  const { deps, sent, clock, planned, work, away } = await withFailed(2);
  const { id } = await planned();
  away.queue = 1;
  const started = await startAction(deps, id);
  expect(started).toMatchObject({
    state: 'running',
    note: expect.stringMatching(/queue-unavailable.*ten minutes/),
  });
  clock.at += 5 * 60_000 + 1;
  await resendLostWakeUps(deps);
  await work();
  expect(sent).toHaveLength(2);
  away.queue = 1;
  const cancelled = await cancelAction(deps, id);
  expect(cancelled).toMatchObject({
    state: 'cancelling',
    counts: { requested: 2 },
    note: expect.stringMatching(/queue-unavailable/),
  });
  expect((await readAction(deps, id)).note).toBeNull();
});

test.each(['meets its own write as a conflict', 'gets no answer to its write'])(
  'a start that %s has started it',
  async (how) => {
    const { deps, nudges, planned } = await withFailed(1);
    const table = tables.newTable<unknown>();
    deps.actions = openActions(table);
    const { id } = await planned();
    let writes = 0;
    const put: typeof table.put = async (...row) => {
      const written = await table.put(...row);
      writes += 1;
      if (writes > 1) return written;
      if (how.includes('conflict')) return false;
      throw new ProvisioningError('records-unavailable', 'Away.', { outcomeUnknown: true });
    };
    const started = await startAction({ ...deps, actions: openActions({ ...table, put }) }, id);
    expect(started.state).toBe('running');
    expect(nudges).toMatchObject([{ action: id, generation: 1 }]);
  },
);

// Azure Tables rejects some of these texts as a key. The answer must not look like an outage.
test.each(['no#id', 'no?id', 'no\\id', 'no-id'])(
  'there is no action %s, and no table is read for this id',
  async (id) => {
    const { deps } = await withFailed(0);
    const get = () => Promise.reject(new Error('requested'));
    deps.actions = openActions({ ...tables.newTable<unknown>(), get });
    const none = { code: 'ops.no-such-action', status: 404 };
    await expect(readAction(deps, id)).rejects.toMatchObject(none);
    await expect(startAction(deps, id)).rejects.toMatchObject(none);
    await expect(cancelAction(deps, id)).rejects.toMatchObject(none);
  },
);

test('a worker that dies before it has stored its progress requests no device twice', async () => {
  const { deps, sent, work, started, record, away } = await withFailed(30);
  const id = await started();
  away.queue = 5;
  await expect(work()).rejects.toMatchObject({ code: 'queue-unavailable' });
  expect((await deps.actions.read(id))?.value.nextIndex).toBe(0);
  await work(0);
  expect(new Set(sent.map(({ messageId, uuid }) => `${uuid} ${messageId}`)).size).toBe(30);
  for (let index = 0; index < 30; index += 1)
    expect(await record(index)).toMatchObject({ replays: 1, job: { generation: 8 } });
  expect((await readAction(deps, id)).counts).toMatchObject({ requested: 30, superseded: 0, underWay: 30 });
});

test('two workers with the same message request no device twice', async () => {
  const { deps, nudges, started, record } = await withFailed(150);
  const id = await started();
  await Promise.all([1, 2].map(() => advanceAction(deps, nudges[0]!)));
  for (const generation of [0, 99, 100, 149])
    expect(await record(generation)).toMatchObject({ replays: 1, job: { generation: 8 } });
  expect((await readAction(deps, id)).counts).toMatchObject({ requested: 150, superseded: 0, underWay: 150 });
});

test('only the newest wake-up message continues an action; a lost wake-up message is sent again', async () => {
  const { deps, sent, nudges, clock, work, started } = await withFailed(1);
  const id = await started();
  expect(nudges).toMatchObject([{ action: id, generation: 1, messageId: `${id}.1`, at: start }]);
  expect(await resendLostWakeUps(deps)).toBe(0);
  clock.at += 5 * 60_000 + 1;
  expect(await resendLostWakeUps(deps)).toBe(1);
  expect(nudges[1]).toMatchObject({ action: id, generation: 2, messageId: `${id}.2`, at: clock.at });
  await work(0);
  expect(sent).toEqual([]);
  await work(1);
  expect(sent).toHaveLength(1);
  expect(nudges[2]).toMatchObject({ generation: 3, at: clock.at + 2_000 });
});
