import { openSharedRow } from '../../../src/storage/sharedRow.js';
import { handClock } from '../../support/handClock.js';
import { memoryTable } from '../../support/memoryTable.js';

const key = { partition: 'system', row: 'row' };

/** A row in memory. A test can hold the next reading until the test ends the reading. */
function open(freshMs = 1_000) {
  const clock = handClock(1_800_000_000_000);
  const memory = memoryTable<{ count: number }>();
  let held: PromiseWithResolvers<void> | null = null;
  const table = {
    ...memory,
    async get(id: typeof key) {
      const found = await memory.get(id);
      await held?.promise;
      return found;
    },
  };
  return {
    clock,
    memory,
    shared: openSharedRow({ table, key, clock, initial: { count: 0 }, freshMs }),
    hold() {
      held = Promise.withResolvers<void>();
      const { resolve } = held;
      return () => {
        held = null;
        resolve();
      };
    },
  };
}

test('a reading is used while it is fresh, and callers at the same time share one request', async () => {
  const { shared, memory, clock } = open();
  const [one, two] = await Promise.all([shared.read(), shared.read()]);
  expect(one).toBe(two);
  clock.at += 999;
  await shared.read();
  expect(memory.reads).toBe(1);
  clock.at += 1;
  await shared.read();
  expect(memory.reads).toBe(2);
});

test('a write ends the use of the last reading', async () => {
  const { shared } = open();
  expect(await shared.write({ count: 1 }, await shared.read())).toBe(true);
  expect((await shared.read()).value).toEqual({ count: 1 });
});

test('after a conflict the next reading is a fresh one', async () => {
  const { shared, memory } = open();
  const basis = await shared.read();
  await memory.put(key, { count: 7 }, null);
  expect(await shared.write({ count: 1 }, basis)).toBe(false);
  expect((await shared.read()).value).toEqual({ count: 7 });
});

test('a reading that was under way during a write is not kept, because the reading may be older', async () => {
  const { shared, hold } = open();
  const end = hold();
  const early = shared.read();
  // The table has answered before the write, and the answer arrives after the write.
  await new Promise(setImmediate);
  expect(await shared.write({ count: 1 }, { value: { count: 0 }, etag: null })).toBe(true);
  end();
  expect((await early).value).toEqual({ count: 0 });
  expect((await shared.read()).value).toEqual({ count: 1 });
});
