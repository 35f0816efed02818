import { SyncQueue } from '../../../../../local/simulators/servicebus/engine/Journal.js';

/** A sync under the control of the test. */
function manualSync() {
  const ends: { resolve: () => void; reject: (error: Error) => void }[] = [];
  const sync = () => new Promise<void>((resolve, reject) => ends.push({ resolve, reject }));
  return { sync, ends };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test('callbacks wait for the sync after their write, and callbacks added during a sync share the next sync', async () => {
  const { sync, ends } = manualSync();
  const syncs = new SyncQueue(sync);
  const notified: string[] = [];
  syncs.add(() => notified.push('a'), true);
  syncs.add(() => notified.push('b'), true);
  syncs.add(() => notified.push('c'), false);
  await settled();
  expect(notified).toEqual([]);
  ends[0]!.resolve();
  await settled();
  expect(notified).toEqual(['a']);
  ends[1]!.resolve();
  await syncs.idle();
  expect(notified).toEqual(['a', 'b', 'c']);
  expect(ends).toHaveLength(2);
});

test('a turn without changes waits for no sync', () => {
  const { sync, ends } = manualSync();
  let isTold = false;
  new SyncQueue(sync).add(() => {
    isTold = true;
  }, false);
  expect([isTold, ends.length]).toEqual([true, 0]);
});

test('a failed sync reports its error to the callbacks of that sync', async () => {
  const { sync, ends } = manualSync();
  const syncs = new SyncQueue(sync);
  const notified: (string | undefined)[] = [];
  syncs.add((error) => notified.push(error?.message), true);
  ends[0]!.reject(new Error('i/o error'));
  await settled();
  syncs.add((error) => notified.push(error?.message), true);
  ends[1]!.resolve();
  await syncs.idle();
  expect(notified).toEqual(['i/o error', undefined]);
});
