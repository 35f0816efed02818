import { memoryTable } from '../../support/memoryTable.js';
import { describeTable } from '../../support/tableContract.js';

describe('the memory table', () => {
  describeTable(() => memoryTable());
});

test('a memory table that fails throws the error of an unreachable table, and changes nothing', async () => {
  const table = memoryTable<{ text: string }>();
  const key = { partition: 'p', row: 'r' };
  await table.put(key, { text: 'kept' }, null);
  table.fails = true;
  const unavailable = { code: 'records-unavailable', outcomeUnknown: true };
  await expect(table.get(key)).rejects.toMatchObject(unavailable);
  await expect(table.put(key, { text: 'lost' }, '1')).rejects.toMatchObject(unavailable);
  await expect(table.remove(key)).rejects.toMatchObject(unavailable);
  table.fails = false;
  expect((await table.get(key))?.value).toEqual({ text: 'kept' });
});

test('a memory table rejects a filter that it does not know', async () => {
  const read = async () => {
    for await (const _ of memoryTable().list('not (pending eq true)')) return;
  };
  await expect(read()).rejects.toThrow('does not know this filter');
});
