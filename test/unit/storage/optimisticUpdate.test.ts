import { randomUUID } from 'node:crypto';
import { optimisticUpdate, putStamped, type Stamped } from '../../../src/storage/optimisticUpdate.js';
import { memoryTable } from '../../support/memoryTable.js';

interface Counter extends Stamped {
  count: number;
}

const key = { partition: 'p', row: 'r' };
const counted = (count: number) => ({ count, stamp: randomUUID() });
const lost = new Error('no response');

/** A counter in a table. `beforeWrite` runs once before each write. */
function counterRow({ mostConflicts = 3, beforeWrite = async () => {} } = {}) {
  const table = memoryTable<Counter>();
  const pauses: number[] = [];
  const increment = (change = (value: Counter): Counter | null => ({ count: value.count + 1 })) =>
    optimisticUpdate<Counter, Counter>({
      name: 'The counter',
      mostConflicts,
      pause: async (conflicts) => {
        pauses.push(conflicts);
      },
      read: async () => (await table.get(key)) ?? { value: { count: 0 }, etag: null },
      change,
      write: async (changed, { etag }) => {
        await beforeWrite();
        return putStamped(table, key, { ...changed, stamp: randomUUID() }, etag);
      },
    });
  const stored = async () => (await table.get(key))?.value.count;
  return { table, pauses, increment, stored };
}

describe('optimisticUpdate', () => {
  test('writes the first value and returns the change', async () => {
    const { increment, stored, pauses } = counterRow();
    expect(await increment()).toMatchObject({ count: 1 });
    expect(await increment()).toMatchObject({ count: 2 });
    expect(await stored()).toBe(2);
    expect(pauses).toEqual([]);
  });

  test('writes nothing if the change is null', async () => {
    const { increment, table } = counterRow();
    expect(await increment(() => null)).toBeNull();
    expect(table.writes).toBe(0);
  });

  test('applies the change again after a conflict, after a pause', async () => {
    let others = 2;
    const row = counterRow({
      beforeWrite: async () => {
        if (others-- <= 0) return;
        const found = await row.table.get(key);
        await row.table.put(key, { count: (found?.value.count ?? 0) + 10 }, found?.etag ?? null);
      },
    });
    expect(await row.increment()).toMatchObject({ count: 21 });
    expect(await row.stored()).toBe(21);
    expect(row.pauses).toEqual([1, 2]);
  });

  test('fails with records-unavailable after too many conflicts', async () => {
    let others = 0;
    const row = counterRow({
      beforeWrite: async () => {
        const found = await row.table.get(key);
        await row.table.put(key, { count: ++others }, found?.etag ?? null);
      },
    });
    await expect(row.increment()).rejects.toMatchObject({
      code: 'records-unavailable',
      message: 'The counter is being changed too often.',
    });
    expect(others).toBe(3);
  });

  test('leaves the reading unchanged, so that a cached reading stays true', async () => {
    const reading = { value: { count: 1 }, etag: null };
    await optimisticUpdate<Counter, Counter>({
      name: 'The counter',
      mostConflicts: 1,
      read: async () => reading,
      change: (value) => Object.assign(value, { count: 2 }),
      write: async () => true,
    });
    expect(reading.value.count).toBe(1);
  });
});

describe('putStamped', () => {
  test('recognises its own write after a lost response', async () => {
    const table = memoryTable<Counter>();
    const { put } = table;
    table.put = async (...args) => {
      await put(...args);
      throw lost;
    };
    expect(await putStamped(table, key, counted(1), null)).toBe(true);
  });

  test('recognises its own write after a repeat by the tables client', async () => {
    const table = memoryTable<Counter>();
    const { put } = table;
    table.put = async (...args) => {
      await put(...args);
      return put(...args);
    };
    expect(await putStamped(table, key, counted(1), null)).toBe(true);
    expect(table.writes).toBe(1);
  });

  test('throws the error if the write did not arrive', async () => {
    const table = memoryTable<Counter>();
    table.put = async () => {
      throw lost;
    };
    await expect(putStamped(table, key, counted(1), null)).rejects.toBe(lost);
  });

  test('reports a conflict with another writer', async () => {
    const table = memoryTable<Counter>();
    await putStamped(table, key, counted(1), null);
    expect(await putStamped(table, key, counted(2), null)).toBe(false);
    expect((await table.get(key))?.value.count).toBe(1);
  });
});
