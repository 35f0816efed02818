import { setImmediate } from 'node:timers/promises';
import { openRequestLimit, TooBusy } from '../../../src/http/requestLimit.js';

/** A limit with a clock that a test moves, and requests that run until the test ends them. */
function start() {
  let now = 0;
  const sleepers: { at: number; wake(): void }[] = [];
  const limit = openRequestLimit({
    now: () => now,
    sleep: (ms) => new Promise((wake) => sleepers.push({ at: now + ms, wake })),
  });
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const outcomes: string[] = [];
  return {
    limit,
    begun,
    outcomes,
    async request(name: string) {
      const work = () => {
        begun.push(name);
        return new Promise<string>((resolve) => ends.set(name, () => resolve(name)));
      };
      const handled = limit.enter(() => limit.run(work));
      handled.then(
        () => outcomes.push(`${name} done`),
        (error) => outcomes.push(`${name} ${error instanceof TooBusy ? 'refused' : error}`),
      );
      await setImmediate();
    },
    async end(name: string) {
      ends.get(name)?.();
      await setImmediate();
    },
    async pass(ms: number) {
      now += ms;
      for (const { at, wake } of sleepers.splice(0)) {
        if (at <= now) wake();
        else sleepers.push({ at, wake });
      }
      await setImmediate();
    },
  };
}

const names = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => `r${from + i}`);

test('50 requests use records and queue at the same time, and the others follow in their order', async () => {
  const system = start();
  for (const name of names(1, 53)) await system.request(name);
  expect(system.begun).toEqual(names(1, 50));
  await system.end('r7');
  await system.end('r2');
  expect(system.begun).toEqual(names(1, 52));
  expect(system.outcomes).toEqual(['r7 done', 'r2 done']);
});

test('a request whose turn does not come within three seconds is refused, and reads and writes nothing', async () => {
  const system = start();
  for (const name of names(1, 51)) await system.request(name);
  await system.pass(1_000);
  await system.request('r52');
  await system.pass(1_999);
  expect(system.outcomes).toEqual([]);
  await system.pass(1);
  expect(system.outcomes).toEqual(['r51 refused']);
  await system.pass(1_000);
  expect(system.outcomes).toEqual(['r51 refused', 'r52 refused']);
  await system.end('r1');
  await system.request('r53');
  expect(system.begun).toEqual([...names(1, 50), 'r53']);
});

test('beyond 500 requests in progress, a request is refused at once, also if none of them uses records', async () => {
  const system = start();
  const { limit } = system;
  for (let i = 0; i < 499; i += 1) void limit.enter(() => new Promise<void>(() => {}));
  await system.request('last');
  await system.request('refused');
  expect([system.begun, system.outcomes]).toEqual([['last'], ['refused refused']]);
  await system.end('last');
  await system.request('later');
  expect(system.begun).toEqual(['last', 'later']);
});

test('a request that fails makes room as well', async () => {
  const { limit } = start();
  const failing = () =>
    limit.enter(() =>
      limit.run(async () => {
        throw new Error('Away.');
      }),
    );
  for (let i = 0; i < 600; i += 1) await expect(failing()).rejects.toThrow('Away.');
  await expect(limit.enter(() => limit.run(async () => 'answered'))).resolves.toBe('answered');
});

test('a request that waits for its proof uses up no place', async () => {
  const system = start();
  const { limit } = system;
  const proof = Promise.withResolvers<void>();
  const proving = Array.from({ length: 600 }, () => limit.enter(() => limit.outside(() => proof.promise)));
  await system.request('other');
  expect(system.begun).toEqual(['other']);
  proof.resolve();
  await Promise.all(proving);
  for (let i = 0; i < 499; i += 1) void limit.enter(() => new Promise<void>(() => {}));
  await system.request('refused');
  expect(system.outcomes).toEqual(['refused refused']);
});
