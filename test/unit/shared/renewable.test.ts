import { setTimeout as sleep } from 'node:timers/promises';
import { CallTimeout } from '../../../src/shared/network.js';
import { openRenewable } from '../../../src/shared/renewable.js';

/** Connections by number. A dropped connection never answers. */
function openNumbered() {
  const opened: number[] = [];
  const closed: number[] = [];
  const dropped = new Set<number>();
  const renewable = openRenewable(
    () => {
      opened.push(opened.length);
      return opened.length - 1;
    },
    (connection) => {
      closed.push(connection);
      throw new Error('cannot be closed');
    },
  );
  const answer = async (connection: number) => {
    if (dropped.has(connection)) await new Promise(() => {});
    return connection;
  };
  return { opened, closed, renewable, dropped, call: (ms = 50) => renewable.call(ms, answer) };
}

test('calls use the same connection while it answers', async () => {
  const { call, opened } = openNumbered();
  expect([await call(), await call()]).toEqual([0, 0]);
  expect(opened).toEqual([0]);
});

test('a connection that has answered, and then is dropped, costs no call: the call goes over a new connection', async () => {
  const { call, dropped, closed, opened } = openNumbered();
  await call();
  dropped.add(0);
  expect(await Promise.all([call(), call(), call()])).toEqual([1, 1, 1]);
  expect(opened).toEqual([0, 1]);
  await sleep(0);
  expect(closed).toEqual([0]);
});

test('a connection that never answered costs one call its whole time, and the next call uses a new one', async () => {
  const { call, dropped } = openNumbered();
  dropped.add(0);
  await expect(call()).rejects.toThrow(CallTimeout);
  expect(await call()).toBe(1);
});

test('while nothing answers, each call ends at its deadline', async () => {
  const { call, dropped, opened } = openNumbered();
  await call();
  for (let each = 0; each < 10; each += 1) dropped.add(each);
  await expect(call()).rejects.toThrow(CallTimeout);
  await expect(call()).rejects.toThrow(CallTimeout);
  expect(opened).toEqual([0, 1, 2, 3]);
});

test('a replaced connection is closed after its last call, and an error is no reason for a new connection', async () => {
  const { renewable, call, dropped, closed, opened } = openNumbered();
  await call();
  await expect(
    renewable.call(50, () => {
      throw new Error('refused');
    }),
  ).rejects.toThrow('refused');
  expect(opened).toEqual([0]);
  const slow = Promise.withResolvers<string>();
  const underWay = renewable.call(600_000, () => slow.promise);
  dropped.add(0);
  await call();
  expect(closed).toEqual([]);
  slow.resolve('late');
  expect(await underWay).toBe('late');
  await sleep(0);
  expect(closed).toEqual([0]);
});
