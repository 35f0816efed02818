import { SyncQueue } from '../../../../../local/simulators/servicebus/engine/Journal.js';

/** A sync that ends when the test says so. */
function manualSync() {
  const ends: { resolve: () => void; reject: (error: Error) => void }[] = [];
  const sync = () => new Promise<void>((resolve, reject) => ends.push({ resolve, reject }));
  return { sync, ends };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test('nobody is told before the sync that covers them, and those who come meanwhile share the next', async () => {
  const { sync, ends } = manualSync();
  const syncs = new SyncQueue(sync);
  const told: string[] = [];
  syncs.add(() => told.push('a'), true);
  syncs.add(() => told.push('b'), true);
  syncs.add(() => told.push('c'), false);
  await settled();
  expect(told).toEqual([]);
  ends[0]!.resolve();
  await settled();
  expect(told).toEqual(['a']);
  ends[1]!.resolve();
  await syncs.idle();
  expect(told).toEqual(['a', 'b', 'c']);
  expect(ends).toHaveLength(2);
});

test('without anything written, nobody waits', () => {
  const { sync, ends } = manualSync();
  let isTold = false;
  new SyncQueue(sync).add(() => {
    isTold = true;
  }, false);
  expect([isTold, ends.length]).toEqual([true, 0]);
});

test('a sync that fails is told to those whom it covered', async () => {
  const { sync, ends } = manualSync();
  const syncs = new SyncQueue(sync);
  const told: (string | undefined)[] = [];
  syncs.add((refused) => told.push(refused?.message), true);
  ends[0]!.reject(new Error('i/o error'));
  await settled();
  syncs.add((refused) => told.push(refused?.message), true);
  ends[1]!.resolve();
  await syncs.idle();
  expect(told).toEqual(['i/o error', undefined]);
});
