import pLimit from 'p-limit';
import type { ErasableTable, ScannedTable } from '../../src/storage/table.js';
import { collect } from './collect.js';
import { thrownBy } from './thrownBy.js';

interface Value {
  text: string;
}

type ContractTable = ErasableTable<Value> & ScannedTable<Value>;

const key = { partition: 'p', row: 'r' };

/**
 * Describes every table. The memory table of the unit tests and the table on Azurite run the same cases.
 *
 * @param newTable opens a table without rows
 */
export function describeTable(newTable: () => ContractTable): void {
  /** Puts rows with these keys (`partition/row`). The text of a value is the key. */
  async function tableWith(keys: string[]): Promise<ContractTable> {
    const table = newTable();
    // The first call creates the table, and the others follow.
    await table.get(key);
    await pLimit(50).map(keys, (text) => {
      const [partition = '', row = ''] = text.split('/');
      return table.put({ partition, row }, { text }, null, { summary: `summary of ${text}` });
    });
    return table;
  }
  const texts = async (values: AsyncIterable<Value>) => (await collect(values)).map(({ text }) => text);

  describe('get', () => {
    test('finds nothing in a new table', async () => {
      expect(await newTable().get(key)).toBeNull();
    });

    test('returns the value that was written, with an ETag', async () => {
      const table = newTable();
      expect(await table.put(key, { text: 'ä "quoted" \n' }, null)).toBe(true);
      expect(await table.get(key)).toEqual({ value: { text: 'ä "quoted" \n' }, etag: expect.any(String) });
      expect(await table.get({ partition: 'p', row: 'other' })).toBeNull();
      expect(await table.get({ partition: 'other', row: 'r' })).toBeNull();
    });

    test('returns a copy: a caller that changes the value changes no row', async () => {
      const table = newTable();
      const value = { text: 'kept' };
      await table.put(key, value, null);
      value.text = 'changed after the write';
      const read = await table.get(key);
      if (read) read.value.text = 'changed after the read';
      expect((await table.get(key))?.value).toEqual({ text: 'kept' });
    });
  });

  describe('put', () => {
    test('without an ETag creates a row, and leaves an existing row as it is (409)', async () => {
      const table = newTable();
      expect(await table.put(key, { text: 'first' }, null)).toBe(true);
      expect(await table.put(key, { text: 'second' }, null)).toBe(false);
      expect((await table.get(key))?.value.text).toBe('first');
    });

    test('refuses a row with a text of more than 64 KiB for good, in the value and in a column', async () => {
      const table = newTable();
      await table.get(key);
      const long = 'ä'.repeat(32_769);
      const refused = { code: 'record-too-large', policy: { isFinal: true } };
      expect(await thrownBy(table.put(key, { text: long }, null))).toMatchObject(refused);
      expect(await thrownBy(table.put(key, { text: '' }, null, { summary: long }))).toMatchObject(refused);
      expect(await table.put(key, { text: '' }, null, { summary: long.slice(1) })).toBe(true);
      const { etag } = (await table.get(key))!;
      expect(await thrownBy(table.put(key, { text: long }, etag))).toMatchObject(refused);
    });

    test('with an ETag changes the row only if nobody has changed the row since (412)', async () => {
      const table = newTable();
      await table.put(key, { text: 'first' }, null);
      const { etag } = (await table.get(key))!;
      expect(await table.put(key, { text: 'second' }, etag)).toBe(true);
      expect((await table.get(key))?.etag).not.toBe(etag);
      expect(await table.put(key, { text: 'third' }, etag)).toBe(false);
      expect((await table.get(key))?.value.text).toBe('second');
    });

    test('with an ETag creates no row in the place of a removed row (404)', async () => {
      const table = newTable();
      await table.put(key, { text: 'first' }, null);
      const { etag } = (await table.get(key))!;
      await table.remove(key);
      expect(await table.put(key, { text: 'second' }, etag)).toBe(false);
      expect(await table.get(key)).toBeNull();
    });

    test('with the ETag of a removed row does not change a row that was created again under its key', async () => {
      const table = newTable();
      await table.put(key, { text: 'first' }, null);
      const { etag } = (await table.get(key))!;
      await table.remove(key);
      await table.put(key, { text: 'second' }, null);
      expect(await table.put(key, { text: 'third' }, etag)).toBe(false);
      expect((await table.get(key))?.value.text).toBe('second');
    });

    test('lets one of two simultaneous writers succeed', async () => {
      const table = newTable();
      await table.put(key, { text: 'first' }, null);
      const { etag } = (await table.get(key))!;
      const written = await Promise.all(['a', 'b'].map((text) => table.put(key, { text }, etag)));
      expect(written.sort()).toEqual([false, true]);
    });

    test('replaces all columns of a row: a column that is not given again is gone', async () => {
      const table = newTable();
      await table.put(key, { text: 'first' }, null, { pending: true, due: 5, code: 'x' });
      expect(await texts(table.list("pending eq true and due lt 6L and code eq 'x'"))).toEqual(['first']);
      await table.put(key, { text: 'second' }, (await table.get(key))!.etag, { due: 5 });
      expect(await texts(table.list('pending eq true'))).toEqual([]);
      expect(await texts(table.list('due ge 5L'))).toEqual(['second']);
    });
  });

  describe('list', () => {
    test('of a new table is empty', async () => {
      expect(await texts(newTable().list())).toEqual([]);
      expect(await collect(newTable().column('summary'))).toEqual([]);
    });

    test('is ordered by partition, then by row, each compared character by character', async () => {
      const table = await tableWith(['a-b/1', 'a/2', 'a/10', 'b/1', 'B/1', 'a/1']);
      expect(await texts(table.list())).toEqual(['B/1', 'a/1', 'a/10', 'a/2', 'a-b/1', 'b/1']);
    });

    test('returns all rows of more than two pages, in order', async () => {
      const keys = Array.from({ length: 2_050 }, (_, at) => `p/${String(at).padStart(4, '0')}`);
      const table = await tableWith(keys);
      expect(await texts(table.list())).toEqual(keys);
      expect(await collect(table.column('summary'))).toEqual(keys.map((text) => `summary of ${text}`));
      expect(await texts(table.list("PartitionKey eq 'p' and RowKey ge '0500'"))).toEqual(keys.slice(500));
    });

    test.each([
      ["PartitionKey eq 'b'", ['b/1', 'b/2']],
      ["PartitionKey ge 'b'", ['b/1', 'b/2', 'c/1']],
      ["PartitionKey eq 'b' and RowKey lt '2'", ['b/1']],
      ["PartitionKey eq 'nothing'", []],
    ])('with the filter %s returns the rows of these keys', async (filter, expected) => {
      const table = await tableWith(['a/1', 'b/1', 'b/2', 'c/1']);
      expect(await texts(table.list(filter))).toEqual(expected);
    });

    test.each([
      ['due lt 1800000000001L', ['number']],
      ['due lt 1800000000000L', []],
      ['due ge 1800000000000L', ['number']],
      ['due eq 1800000000000L', ['number']],
      ['dead eq true', ['true']],
      ['dead eq false', ['false']],
      ["fleet eq 'it''s'", ['text']],
      ["fleet lt 'j'", ['text']],
      ["fleet ge 'j'", []],
      // A column of another type than the literal does not match, and neither does a missing column.
      ['fleet eq true', []],
      ['missing eq false', []],
      ['missing lt 5L', []],
    ])('with the filter %s compares columns by their type', async (filter, expected) => {
      const table = newTable();
      const put = (text: string, columns: Record<string, string | number | boolean>) =>
        table.put({ partition: 'p', row: text }, { text }, null, columns);
      await put('number', { due: 1_800_000_000_000 });
      await put('true', { dead: true });
      await put('false', { dead: false });
      await put('text', { fleet: "it's" });
      expect(await texts(table.list(filter))).toEqual(expected);
    });
  });

  test('column returns one column of the rows that match, and an empty text for a row without that column', async () => {
    const table = newTable();
    await table.put({ partition: 'p', row: '1' }, { text: 'a' }, null, { summary: 'one', dead: true });
    await table.put({ partition: 'p', row: '2' }, { text: 'b' }, null, { dead: true });
    await table.put({ partition: 'p', row: '3' }, { text: 'c' }, null, { summary: 'three', dead: false });
    expect(await collect(table.column('summary'))).toEqual(['one', '', 'three']);
    expect(await collect(table.column('summary', 'dead eq true'))).toEqual(['one', '']);
  });

  test('remove removes a row whatever the row holds, and accepts a missing row', async () => {
    const table = await tableWith(['p/r', 'p/other']);
    await table.remove(key);
    await table.remove(key);
    expect(await texts(table.list())).toEqual(['p/other']);
    expect(await table.put(key, { text: 'anew' }, null)).toBe(true);
  });
}
