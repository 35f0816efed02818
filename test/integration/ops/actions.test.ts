import pLimit from 'p-limit';
import { advanceAction } from '../../../src/ops/bulk/advance.js';
import { cancelAction } from '../../../src/ops/bulk/cancel.js';
import { cleanUpActions } from '../../../src/ops/bulk/cleanUp.js';
import { type ActionRequest, planAction } from '../../../src/ops/bulk/plan.js';
import { listActions, readAction } from '../../../src/ops/bulk/read.js';
import { openActions } from '../../../src/ops/bulk/repository.js';
import { type StartRequest, startAction } from '../../../src/ops/bulk/start.js';
import { resendLostWakeUps } from '../../../src/ops/bulk/wakeUp.js';
import { ProvisioningError } from '../../../src/shared/errors.js';
import { opsDependencies, requestId, start, uuidOf } from '../../support/opsTools.js';
import { useTables } from '../../support/useTables.js';

const tables = await useTables();
const hours = 3_600_000;

async function withFailed(count: number) {
  const all = opsDependencies(tables);
  await pLimit(32).map(
    Array.from({ length: count }, (_, generation) => generation),
    (generation) => all.put(generation),
  );
  const { deps, nudges, clock } = all;
  /** A worker gets the newest message, when it is due. */
  const work = async (at = nudges.length - 1) => {
    const message = nudges[at]!;
    clock.at = Math.max(clock.at, message.due);
    await advanceAction(deps, message);
  };
  const planned = (request: Partial<ActionRequest> = {}) => planAction(deps, { kind: 'replay', ...request });
  const started = async (request: StartRequest = {}, plan: Partial<ActionRequest> = {}) => {
    const { id } = await planned(plan);
    await startAction(deps, id, request);
    return id;
  };
  return { ...all, work, planned, started };
}

test('each is asked again for its turn at the rate, under a number of its own, and the error it had is kept with the action', async () => {
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
    job: { generation: 8, kind: 'change', due: start + 1_000 },
    replays: 1,
    attempts: 0,
    error: null,
    action: { id, error: { code: 'service-not-found' } },
    history: [{ type: 'replayed', note: 'requested again by Ada' }],
  });
  expect((await readAction(deps, id)).counts).toMatchObject({ requested: 3, underWay: 3, succeeded: 0 });
});

test('without a rate it goes at the pace of the hub', async () => {
  const { sent, work, started } = await withFailed(2);
  await started();
  await work();
  expect(sent[1]!.at - sent[0]!.at).toBe(600);
});

test('a start or a cancel whose message could not be sent has begun all the same, and says so; the timer sends it', async () => {
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

// The tables refuse some of them as a key, which is not to look like an outage.
test.each(['no#id', 'no?id', 'no\\id', 'no-id'])(
  'there is no action %s, and no table is asked for it',
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

test('it is done when all have come to an end, and then counts no more', async () => {
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

test('a worker that dies before it wrote down how far it came asks nobody twice', async () => {
  const { deps, sent, work, started, record, away } = await withFailed(30);
  const id = await started();
  away.queue = 5;
  await expect(work()).rejects.toMatchObject({ code: 'queue-unavailable' });
  expect((await deps.actions.read(id))?.value.next).toBe(0);
  await work(0);
  expect(new Set(sent.map(({ messageId, uuid }) => `${uuid} ${messageId}`)).size).toBe(30);
  for (let generation = 0; generation < 30; generation += 1)
    expect(await record(generation)).toMatchObject({ replays: 1, job: { generation: 8 } });
  expect((await readAction(deps, id)).counts).toMatchObject({ requested: 30, superseded: 0, underWay: 30 });
});

test('two workers at the same message ask nobody twice', async () => {
  const { deps, nudges, started, record } = await withFailed(150);
  const id = await started();
  await Promise.all([1, 2].map(() => advanceAction(deps, nudges[0]!)));
  for (const generation of [0, 99, 100, 149])
    expect(await record(generation)).toMatchObject({ replays: 1, job: { generation: 8 } });
  expect((await readAction(deps, id)).counts).toMatchObject({ requested: 150, superseded: 0, underWay: 150 });
});

test('only the newest message goes on with it; one that was lost is sent again', async () => {
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

test('a ramp starts with ten, and goes on with twice as many when they have succeeded', async () => {
  const { deps, sent, work, started, settle } = await withFailed(40);
  const id = await started({ ramp: true });
  await work();
  expect(sent).toHaveLength(10);
  await work();
  expect(sent).toHaveLength(10);
  for (let generation = 0; generation < 10; generation += 1)
    await settle(generation, generation === 0 ? 'failed' : 'done');
  await work();
  expect(sent).toHaveLength(30);
  for (let generation = 10; generation < 30; generation += 1)
    await settle(generation, generation < 13 ? 'failed' : 'done');
  await work();
  expect(await readAction(deps, id)).toMatchObject({
    state: 'halted',
    counts: { requested: 30, succeeded: 26, failed: 4 },
    note: 'Halted: 3 of the last 20 failed again. 10 were not requested. Find and fix the cause, then make a new plan.',
  });
  expect(sent).toHaveLength(30);
});

test('what has moved on since the plan is left alone', async () => {
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
  await put(2, { job: { generation: 7, kind: 'change', due: start, dead: { at: start, discarded } } });
  await startAction(deps, id);
  await work();
  expect(sent.map(({ uuid }) => uuid)).toEqual([uuidOf(3)]);
  expect((await record(2)).replays).toBe(0);
  expect((await readAction(deps, id)).counts).toMatchObject({ requested: 4, superseded: 3, underWay: 1 });
  expect(await started()).not.toBe(id);
});

test('what others have asked for since counts as superseded', async () => {
  const { deps, work, started, put } = await withFailed(2);
  const id = await started();
  await work();
  await put(0, { action: null, job: null });
  expect((await readAction(deps, id)).counts).toMatchObject({ requested: 2, superseded: 1, underWay: 1 });
});

test('a letter whose record was lost makes the record anew, above the number of the letter', async () => {
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
    job: { generation: 2_000_000_001, kind: 'change' },
    firstGeneration: 2_000_000_001,
    lastGeneration: 2_000_000_001,
  });
  expect(all.sent).toMatchObject([{ uuid: uuidOf(9), generation: 2_000_000_001 }]);
});

test.each([{}, { code: 'older' }, { sequenceNumber: '12' }])(
  'of the letters of a device whose record was lost only the newest is replayed, with the filter %j',
  async (filter) => {
    const { deps, deadLetter, planned } = await withFailed(0);
    const body = { v: 1, uuid: uuidOf(9), requestId, due: start, operation: 'provision', service: 'main' };
    deadLetter({ ...body, generation: 11 }, '12', { reason: 'older' });
    deadLetter({ ...body, generation: 12, operation: 'deprovision', service: null }, '13', {
      reason: 'newer',
    });
    deadLetter({ ...body, generation: 10 }, '11', { reason: 'oldest' });
    const { id, counts, note } = await planned({ filter });
    const items = await deps.actions.items(id, 0, counts.planned);
    expect(items.map(({ sequenceNumber }) => sequenceNumber)).toEqual(
      'code' in filter || 'sequenceNumber' in filter ? [] : ['13'],
    );
    expect(note).toMatch(
      /^For a device without a record only the newest dead letter is taken\. Left out: \d\.$/,
    );
    // To discard, all of them are taken.
    expect((await planned({ kind: 'discard', reason: 'scrapped' })).counts.planned).toBe(3);
  },
);

test('a discard marks the records, remembers letters without one, and sends nothing', async () => {
  const all = await withFailed(2);
  all.deadLetter('not JSON', '5', { reason: 'bad-message' });
  const id = await all.started({}, { kind: 'discard', reason: 'scrapped', by: 'Ada' });
  await all.work();
  expect(await readAction(all.deps, id)).toMatchObject({
    state: 'done',
    reason: 'scrapped',
    counts: { succeeded: 3 },
  });
  expect((await all.record(0)).job?.dead?.discarded).toMatchObject({ by: 'Ada', reason: 'scrapped' });
  expect(await all.deps.discarded.list()).toEqual(['5']);
  expect(all.sent).toEqual([]);
});

test('to discard needs a reason', async () => {
  const { planned } = await withFailed(0);
  await expect(planned({ kind: 'discard' })).rejects.toMatchObject({ code: 'ops.no-reason', status: 400 });
});

describe('cancelled', () => {
  test('while it runs, it asks for no more, and gives up what is not done, with the error it had', async () => {
    const { deps, sent, work, started, settle, record } = await withFailed(15);
    const id = await started({ ramp: true });
    await work();
    await settle(0, 'done');
    expect((await cancelAction(deps, id, { by: 'Bob' })).state).toBe('cancelling');
    await work();
    expect(await readAction(deps, id)).toMatchObject({
      state: 'cancelled',
      cancelledBy: 'Bob',
      counts: { requested: 10, succeeded: 1, cancelled: 9, underWay: 0 },
    });
    // What is given up is sent once more, under the same id.
    expect(new Set(sent.map(({ uuid, messageId }) => `${uuid} ${messageId}`)).size).toBe(10);
    expect(await record(3)).toMatchObject({
      job: { generation: 8, dead: { cancelled: true } },
      error: { code: 'service-not-found' },
      replays: 1,
    });
    expect((await record(12)).job?.dead).not.toHaveProperty('cancelled');
    // And what was cancelled can be replayed.
    const again = await planAction(deps, { kind: 'replay', filter: { status: 'cancelled' } });
    expect(again.counts.planned).toBe(9);
  });

  test('between the asking and its writing down, what was just asked for is given up too', async () => {
    const { deps, nudges, started, record } = await withFailed(20);
    const id = await started();
    const { actions } = deps;
    let cancels = true;
    const racing = {
      ...deps,
      actions: {
        ...actions,
        async items(of: string, from: number, to: number) {
          const items = await actions.items(of, from, to);
          if (cancels) await cancelAction(deps, id);
          cancels = false;
          return items;
        },
      },
    };
    await advanceAction(racing, nudges[0]!);
    expect(await readAction(deps, id)).toMatchObject({
      state: 'cancelled',
      counts: { underWay: 0, cancelled: 20 },
    });
    for (const generation of [0, 19])
      expect((await record(generation)).job?.dead).toMatchObject({ cancelled: true });
  });

  test('while a worker was at a part that it did not live to end, what that one asked for is given up when its message comes again', async () => {
    const { deps, nudges, started, record, work } = await withFailed(20);
    const id = await started();
    // It has the part, and asks for the first; the rest is asked for when the action was cancelled already.
    const { records } = deps;
    const killed = Promise.withResolvers<never>();
    const reached = Promise.withResolvers<void>();
    let requested = 0;
    const dying = {
      ...deps,
      actions: { ...deps.actions, amend: () => killed.promise },
      records: {
        ...records,
        async amend(...change: Parameters<typeof records.amend>) {
          requested += 1;
          if (requested === 1) {
            await cancelAction(deps, id);
            await work();
            expect((await readAction(deps, id)).state).toBe('cancelled');
          }
          const done = await records.amend(...change);
          reached.resolve();
          return done;
        },
      },
    };
    const turn = advanceAction(dying, nudges[0]!);
    await reached.promise;
    killed.reject(new Error('killed'));
    await expect(turn).rejects.toThrow('killed');
    expect((await record(0)).job).not.toHaveProperty('dead');
    await work(0);
    for (const generation of [0, 19])
      expect((await record(generation)).job?.dead).toMatchObject({ cancelled: true });
  });

  test('while a part fails, what was asked for of it is given up, and nothing of it goes on afterwards', async () => {
    const { deps, nudges, started, record, sent } = await withFailed(60);
    const id = await started();
    const { records, queue } = deps;
    let underWay = 0;
    let tries = 0;
    const failing = {
      ...deps,
      queue: {
        ...queue,
        async send(...message: Parameters<typeof queue.send>) {
          tries += 1;
          if (tries === 1) {
            await cancelAction(deps, id);
            throw new Error('the first fails');
          }
          await queue.send(...message);
        },
      },
      records: {
        ...records,
        async amend(...change: Parameters<typeof records.amend>) {
          underWay += 1;
          return records.amend(...change).finally(() => {
            underWay -= 1;
          });
        },
      },
    };
    await expect(advanceAction(failing, nudges[0]!)).rejects.toMatchObject({ code: 'unexpected' });
    expect(underWay).toBe(0);
    const all = await Promise.all(Array.from({ length: 60 }, (_, generation) => record(generation)));
    const requested = all.filter(({ action }) => action?.id === id);
    expect(requested.length).toBeGreaterThan(0);
    // Each with a message that will be its letter, also that whose first sending failed.
    const messages = new Set(sent.map(({ uuid, generation }) => `${uuid}.${generation}`));
    for (const { uuid, job } of requested) {
      expect(job?.dead).toMatchObject({ cancelled: true });
      expect(messages).toContain(`${uuid}.${job?.generation}`);
    }
  });

  test('before its message was ever sent, a request gets it all the same, and so its letter', async () => {
    const { deps, nudges, sent, started, record, work, away } = await withFailed(1);
    const id = await started();
    away.queue = 1;
    await expect(work(0)).rejects.toMatchObject({ code: 'queue-unavailable' });
    expect(sent).toEqual([]);
    await cancelAction(deps, id);
    // As long as it cannot be sent it is not given up.
    away.queue = 1;
    await expect(work(1)).rejects.toMatchObject({ code: 'queue-unavailable' });
    expect((await record(0)).job).not.toHaveProperty('dead');
    await advanceAction(deps, nudges[1]!);
    expect((await record(0)).job).toMatchObject({ generation: 8, dead: { cancelled: true } });
    expect(sent).toMatchObject([{ uuid: uuidOf(0), generation: 8, messageId: `${requestId}.8` }]);
  });

  test('before it was started, it can not be started any more; and once ended, it stays as it is', async () => {
    const { deps, planned } = await withFailed(1);
    const { id } = await planned();
    expect((await cancelAction(deps, id)).state).toBe('cancelled');
    await expect(startAction(deps, id)).rejects.toMatchObject({ code: 'ops.not-planned', status: 409 });
    await expect(cancelAction(deps, id)).rejects.toMatchObject({ code: 'ops.has-ended', status: 409 });
  });
});

describe('a rotation', () => {
  const day = 24 * hours;
  const [held, replaced] = ['A'.repeat(64), 'B'.repeat(64)];
  const provisioned = (mintedAt: number, fleet = 'acme/a') => ({
    job: null,
    error: null,
    scopes: ['sensor'],
    completedAt: start,
    observed: {
      thumbprint: held,
      previous: null,
      service: 'sensor',
      hub: [held, held] as [string, string],
      fleet,
      notBefore: mintedAt,
      notAfter: mintedAt + 365 * day,
      keyAlgorithm: 'ec-p256',
      verifiedAt: start,
    },
  });
  async function withProvisioned() {
    const all = await withFailed(1);
    await all.put(1, provisioned(start - 10 * day));
    await all.put(2, provisioned(start - 30 * day));
    await all.put(3, provisioned(start - 20 * day, 'acme/b'));
    return all;
  }

  test('takes those that hold a certificate, the oldest first, by fleet and date', async () => {
    const { planned, deps } = await withProvisioned();
    const set = async (filter: object) => {
      const { id, counts, byFleet } = await planned({ kind: 'rotate', filter });
      const items = await deps.actions.items(id, 0, counts.planned);
      return { uuids: items.map(({ uuid }) => uuid), byFleet };
    };
    expect(await set({})).toEqual({ uuids: [2, 3, 1].map(uuidOf), byFleet: { 'acme/a': 2, 'acme/b': 1 } });
    expect((await set({ fleet: 'acme/a' })).uuids).toEqual([2, 1].map(uuidOf));
    expect((await set({ mintedBefore: '15d' })).uuids).toEqual([2, 3].map(uuidOf));
    expect((await set({ uuid: uuidOf(0) })).uuids).toEqual([]);
    await expect(set({ code: 'timed-out' })).rejects.toMatchObject({ code: 'ops.bad-filter' });
  });

  test('retires what each holds, once, at the rate, and revokes it only if that is asked for', async () => {
    const { sent, started, work, record, nudges, deps } = await withProvisioned();
    await started({ rate: 60 }, { kind: 'rotate', filter: { fleet: 'acme/a' } });
    await Promise.all([1, 2].map(() => advanceAction(deps, nudges[0]!)));
    expect(new Set(sent.map(({ uuid, at }) => `${Number(`0x${uuid}`)} ${at - start}`))).toEqual(
      new Set(['2 0', '1 1000']),
    );
    expect((await record(1)).desired).toMatchObject({ retire: held, revoke: false });
    await started({}, { kind: 'rotate', filter: { fleet: 'acme/b' }, revoke: true });
    await work();
    expect((await record(3)).desired).toMatchObject({ retire: held, revoke: true });
  });

  test('leaves a device alone whose certificate was replaced since the plan', async () => {
    const { sent, planned, work, put, deps } = await withProvisioned();
    const { id } = await planned({ kind: 'rotate' });
    const { observed, ...others } = provisioned(start);
    await put(1, { ...others, observed: { ...observed, thumbprint: replaced, hub: [replaced, held] } });
    await startAction(deps, id);
    await work();
    expect(sent.map(({ uuid }) => uuid)).not.toContain(uuidOf(1));
    expect((await readAction(deps, id)).counts).toMatchObject({ planned: 3, superseded: 1, underWay: 2 });
  });

  test('that is cancelled leaves a device as it was, or, once it was begun, to its end', async () => {
    const { started, work, record, put, deps } = await withProvisioned();
    const desired = { ...(await record(3)).desired, retire: replaced, revoke: true };
    await put(3, { ...provisioned(start - 20 * day), desired });
    const id = await started({}, { kind: 'rotate' });
    await work();
    await put(1, { ...(await record(1)), lease: { by: 'a worker', until: start + 60_000 } });
    await cancelAction(deps, id);
    await work();
    expect(await record(1)).toMatchObject({ desired: { retire: held }, job: { kind: 'change' } });
    const taken = await record(2);
    expect(taken).toMatchObject({ job: null, desired: { present: true, service: 'sensor' } });
    expect(taken.desired).not.toHaveProperty('retire');
    // What was to be retired before, still is.
    expect((await record(3)).desired).toMatchObject({ retire: replaced, revoke: true });
    expect(await readAction(deps, id)).toMatchObject({
      state: 'cancelled',
      counts: { cancelled: 2, underWay: 1 },
    });
  });
});

test('a plan is good for a day, and is forgotten after that with its set; what was started is kept', async () => {
  const { deps, clock, planned, started } = await withFailed(200);
  const old = await planned();
  const kept = await started();
  clock.at += 24 * hours + 1;
  await expect(startAction(deps, old.id)).rejects.toMatchObject({ code: 'ops.plan-too-old' });
  await cleanUpActions(deps);
  expect(await deps.actions.read(old.id)).not.toBeNull();
  clock.at += 1 * hours;
  await cleanUpActions(deps);
  expect(await deps.actions.read(old.id)).toBeNull();
  expect(await deps.actions.items(old.id, 0, 200)).toEqual([]);
  expect(await deps.actions.items(kept, 0, 200)).toHaveLength(200);
  expect((await listActions(deps)).actions.map(({ id }) => id)).toEqual([kept]);
});

describe('of a process that died', () => {
  /** A table whose calls fail after so many. */
  function dying(calls: { put?: number; remove?: number }) {
    const table = tables.newTable<unknown>();
    const left = {
      put: calls.put ?? Number.POSITIVE_INFINITY,
      remove: calls.remove ?? Number.POSITIVE_INFINITY,
    };
    const live = (call: keyof typeof left) => {
      left[call] -= 1;
      if (left[call] < 0) throw new ProvisioningError('records-unavailable', 'Dead.');
    };
    const actions = openActions({
      ...table,
      async put(...row) {
        live('put');
        return table.put(...row);
      },
      async remove(key) {
        live('remove');
        return table.remove(key);
      },
    });
    const rows = async () => {
      let count = 0;
      for await (const _ of table.list()) count += 1;
      return count;
    };
    return { actions, whole: openActions(table), rows };
  }

  test('a plan that was half written is not seen, and is removed after an hour, with what there is of its set', async () => {
    const { deps, clock, planned } = await withFailed(200);
    const { actions, whole, rows } = dying({ put: 2 });
    deps.actions = actions;
    await expect(planned()).rejects.toMatchObject({ code: 'records-unavailable' });
    expect(await rows()).toBeGreaterThan(1);
    expect(await whole.list()).toEqual([]);
    const [{ id } = { id: '' }] = await whole.list(true);
    deps.actions = whole;
    await expect(startAction(deps, id)).rejects.toMatchObject({ status: 404 });
    await cleanUpActions(deps);
    expect(await rows()).toBeGreaterThan(1);
    clock.at += 1 * hours + 1;
    await cleanUpActions(deps);
    expect(await rows()).toBe(0);
  });

  test('a plan that was half removed is removed', async () => {
    const { deps, clock, planned } = await withFailed(200);
    const { actions, whole, rows } = dying({ remove: 1 });
    deps.actions = actions;
    await planned();
    clock.at += 25 * hours + 1;
    await expect(cleanUpActions(deps)).rejects.toMatchObject({ code: 'records-unavailable' });
    expect(await rows()).toBeGreaterThan(0);
    await cleanUpActions({ ...deps, actions: whole });
    expect(await rows()).toBe(0);
  });
});

test('the set of an action that ended a day ago is removed, once; the action stays', async () => {
  const { deps, clock, work, started } = await withFailed(3);
  const id = await started({}, { kind: 'discard', reason: 'scrapped' });
  await work();
  const done = await readAction(deps, id);
  clock.at += 24 * hours;
  await cleanUpActions(deps);
  expect(await deps.actions.items(id, 0, 3)).toHaveLength(3);
  clock.at += 1;
  await cleanUpActions(deps);
  expect(await deps.actions.items(id, 0, 3)).toEqual([]);
  const { stamp } = (await deps.actions.read(id))!.value;
  await cleanUpActions(deps);
  expect((await deps.actions.read(id))?.value.stamp).toBe(stamp);
  expect(await readAction(deps, id)).toEqual(done);
  expect((await listActions(deps)).actions).toEqual([done]);
});

describe('a set of any size', () => {
  test('is kept in its order', async () => {
    const { deps, planned } = await withFailed(400);
    const { id, counts } = await planned();
    expect(counts.planned).toBe(400);
    for (const [from, to] of [
      [0, 400],
      [170, 190],
      [180, 180],
      [399, 400],
    ] as const)
      expect((await deps.actions.items(id, from, to)).map(({ uuid }) => uuid)).toEqual(
        Array.from({ length: to - from }, (_, at) => uuidOf(from + at)),
      );
  });

  // A text in a row may have 32,768 characters.
  test.each([
    ['the longest uuids', 'cloud-relay'],
    ['the longest names', '\u0001'.repeat(255)],
  ])('can be planned with %s', async (_, service) => {
    const { deps, planned, deadLetter } = await withFailed(0);
    const uuids = Array.from({ length: 400 }, (_, generation) => generation.toString(16).padStart(62, '0'));
    const rest = { v: 1, requestId, generation: 2_000_000_000, due: start, operation: 'provision', service };
    uuids.forEach((uuid, generation) => {
      deadLetter({ ...rest, uuid }, String(10 ** 15 + generation), { enqueuedAt: start + generation });
    });
    const { id, counts } = await planned();
    expect(counts.planned).toBe(400);
    for (let from = 0; from < 400; from += 100)
      expect((await deps.actions.items(id, from, from + 100)).map(({ uuid }) => uuid)).toEqual(
        uuids.slice(from, from + 100),
      );
  });

  test('is counted by the most frequent of its fleets, and the others', async () => {
    const { planned, put } = await withFailed(0);
    const { observed } = await put(0);
    for (let generation = 0; generation < 300; generation += 1)
      await put(generation, {
        observed: { ...observed, fleet: `acme/${'f'.repeat(120)}${generation < 20 ? 0 : generation}` },
      });
    const byFleet = Object.entries((await planned()).byFleet);
    expect(byFleet[0]).toEqual([`acme/${'f'.repeat(120)}0`, 20]);
    expect(byFleet.at(-1)?.[0]).toBe('others');
    expect(byFleet.length).toBeLessThanOrEqual(101);
    expect(byFleet.reduce((sum, [, count]) => sum + count, 0)).toBe(300);
  });
});

test.each([
  [{ filter: { kode: 'x' } }, 'ops.bad-request', /kode/],
  [{ filter: { since: 'yesterday' } }, 'ops.bad-filter', /since/],
  [{ filter: { since: '999999999d' } }, 'ops.bad-filter', /since/],
  [{ rate: 0 }, 'ops.bad-request', /rate/],
  [{ rate: 1e-9 }, 'ops.bad-request', /rate/],
  [{ kind: 'explode' }, 'ops.bad-request', /kind/],
])('a plan with %j is refused, with what is wrong', async (request, code, message) => {
  const { planned } = await withFailed(0);
  const refused = planned(request as Partial<ActionRequest>);
  await expect(refused).rejects.toMatchObject({ code, status: 400, message: expect.stringMatching(message) });
});
