import { advanceAction } from '../../../../src/ops/bulk/advance.js';
import { cancelAction } from '../../../../src/ops/bulk/cancel.js';
import { planAction } from '../../../../src/ops/bulk/plan.js';
import { readAction } from '../../../../src/ops/bulk/read.js';
import { startAction } from '../../../../src/ops/bulk/start.js';
import { requestId, uuidOf } from '../../../support/opsTools.js';
import { useFailedDevices } from './support/useFailedDevices.js';

const { withFailed } = await useFailedDevices();

describe('cancelled', () => {
  test('while running, an action makes no more requests, and cancels its pending requests with their earlier errors', async () => {
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
    // A cancelled request is sent once more, under the same id.
    expect(new Set(sent.map(({ uuid, messageId }) => `${uuid} ${messageId}`)).size).toBe(10);
    expect(await record(3)).toMatchObject({
      job: { generation: 8, dead: { cancelled: true } },
      error: { code: 'service-not-found' },
      replays: 1,
    });
    expect((await record(12)).job?.dead).not.toHaveProperty('cancelled');
    // A cancelled request can be replayed.
    const again = await planAction(deps, { kind: 'replay', filter: { status: 'cancelled' } });
    expect(again.counts.planned).toBe(9);
  });

  test('between a request and its bookkeeping, an action cancels the new request as well', async () => {
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

  test('after a worker died in the middle of a part, the redelivered message cancels the requests of that worker', async () => {
    const { deps, nudges, started, record, work } = await withFailed(20);
    const id = await started();
    // The worker has read the part and requests the first device. The action is cancelled before the worker requests the other
    // devices.
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

  test('while a part fails, the requests of the part are cancelled, and no write follows', async () => {
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
    const all = await Promise.all(Array.from({ length: 60 }, (_, index) => record(index)));
    const requested = all.filter(({ action }) => action?.id === id);
    expect(requested.length).toBeGreaterThan(0);
    // Each request has a message that will be the dead letter, even if the first attempt to send the message failed.
    const messages = new Set(sent.map(({ uuid, generation }) => `${uuid}.${generation}`));
    for (const { uuid, job } of requested) {
      expect(job?.dead).toMatchObject({ cancelled: true });
      expect(messages).toContain(`${uuid}.${job?.generation}`);
    }
  });

  test('before the message of a request was sent, the message is still sent, and becomes a dead letter', async () => {
    const { deps, nudges, sent, started, record, work, away } = await withFailed(1);
    const id = await started();
    away.queue = 1;
    await expect(work(0)).rejects.toMatchObject({ code: 'queue-unavailable' });
    expect(sent).toEqual([]);
    await cancelAction(deps, id);
    // A request is cancelled only after its message was sent.
    away.queue = 1;
    await expect(work(1)).rejects.toMatchObject({ code: 'queue-unavailable' });
    expect((await record(0)).job).not.toHaveProperty('dead');
    await advanceAction(deps, nudges[1]!);
    expect((await record(0)).job).toMatchObject({ generation: 8, dead: { cancelled: true } });
    expect(sent).toMatchObject([{ uuid: uuidOf(0), generation: 8, messageId: `${requestId}.8` }]);
  });

  test('before the start, an action cannot be started any more; after the end, an action cannot be cancelled', async () => {
    const { deps, planned } = await withFailed(1);
    const { id } = await planned();
    expect((await cancelAction(deps, id)).state).toBe('cancelled');
    await expect(startAction(deps, id)).rejects.toMatchObject({ code: 'ops.not-planned', status: 409 });
    await expect(cancelAction(deps, id)).rejects.toMatchObject({ code: 'ops.has-ended', status: 409 });
  });
});
