import { readAction } from '../../../../src/ops/bulk/read.js';
import { useFailedDevices } from './support/useFailedDevices.js';

const { withFailed } = await useFailedDevices();

test('a discard marks the records, remembers dead letters without a record, and sends nothing', async () => {
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
