import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer, type Server } from 'node:net';
import { TableClient } from '@azure/data-tables';
import { listen } from '../../../local/simulators/shared/loopback.js';
import { openTable, type Table } from '../../../src/storage/table.js';
import { everythingIn, thrownBy } from '../../support/thrownBy.js';
import { newName, useTables } from '../../support/useTables.js';

interface Value {
  text: string;
}

const tables = await useTables();
const accountKey = /AccountKey=([^;]+)/.exec(tables.connectionString)![1]!;
const key = { partition: 'p', row: 'r' };
const collect = async <T>(rows: AsyncIterable<T>) => {
  const all: T[] = [];
  for await (const row of rows) all.push(row);
  return all;
};

describe('a table', () => {
  test('is made at its first use, which finds nothing', async () => {
    expect(await tables.newTable<Value>().get(key)).toBeNull();
    expect(await collect(tables.newTable<Value>().list())).toEqual([]);
  });

  test('gives back what was written, with an ETag', async () => {
    const table = tables.newTable<Value>();
    expect(await table.put(key, { text: 'ä "quoted" \n' }, null)).toBe(true);
    expect(await table.get(key)).toEqual({ value: { text: 'ä "quoted" \n' }, etag: expect.any(String) });
    expect(await table.get({ partition: 'p', row: 'other' })).toBeNull();
    expect(await table.get({ partition: 'other', row: 'r' })).toBeNull();
  });

  test('makes a row only where there is none', async () => {
    const table = tables.newTable<Value>();
    await table.put(key, { text: 'first' }, null);
    expect(await table.put(key, { text: 'second' }, null)).toBe(false);
    expect((await table.get(key))?.value.text).toBe('first');
  });

  test('changes a row only on the ETag that was read', async () => {
    const table = tables.newTable<Value>();
    await table.put(key, { text: 'first' }, null);
    const { etag } = (await table.get(key))!;
    expect(await table.put(key, { text: 'second' }, etag)).toBe(true);
    expect(await table.put(key, { text: 'third' }, etag)).toBe(false);
    expect((await table.get(key))?.value.text).toBe('second');
  });

  test('does not bring back a row that is gone', async () => {
    const name = newName();
    const table = openTable<Value>({ connection: { connectionString: tables.connectionString }, name });
    await table.put(key, { text: 'first' }, null);
    const { etag } = (await table.get(key))!;
    await sdk(name).deleteEntity('p', 'r');
    expect(await table.put(key, { text: 'second' }, etag)).toBe(false);
    expect(await table.get(key)).toBeNull();
  });

  test('replaces the columns with the row: one that is not named any more is gone', async () => {
    const table = tables.newTable<Value>();
    await table.put(key, { text: 'first' }, null, { owed: true, due: 5, code: 'x' });
    expect(await collect(table.list("owed eq true and due lt 6L and code eq 'x'"))).toHaveLength(1);
    await table.put(key, { text: 'second' }, (await table.get(key))!.etag, { due: 5 });
    expect(await collect(table.list('owed eq true'))).toEqual([]);
  });

  test('takes Unix milliseconds as a column', async () => {
    const table = tables.newTable<Value>();
    await table.put(key, { text: 'x' }, null, { due: 1_800_000_000_000 });
    expect(await collect(table.list('due lt 1800000000001L'))).toHaveLength(1);
    expect(await collect(table.list('due lt 1800000000000L'))).toEqual([]);
  });

  test('lists more rows than fit on a page', async () => {
    const table = tables.newTable<Value>();
    const rows = Array.from({ length: 1_050 }, (_, at) => String(at));
    for (let at = 0; at < rows.length; at += 50) {
      const put = (text: string) => table.put({ partition: 'p', row: text }, { text }, null);
      await Promise.all(rows.slice(at, at + 50).map(put));
    }
    const listed = (await collect(table.list())).map(({ text }) => text);
    expect(listed.sort()).toEqual(rows.sort());
  });

  test('that was deleted behind its back is an error once, and is then made again', async () => {
    const name = newName();
    const table = openTable<Value>({ connection: { connectionString: tables.connectionString }, name });
    await table.put(key, { text: 'lost' }, null);
    await sdk(name).deleteTable();
    expect(await thrownBy(table.get(key))).toMatchObject({ code: 'records-unavailable' });
    expect(await table.put(key, { text: 'anew' }, null)).toBe(true);
  });
});

const calls: [string, (table: Table<Value>) => Promise<unknown>][] = [
  ['get', (table) => table.get(key)],
  ['put of a new row', (table) => table.put(key, { text: 'x' }, null)],
  ['put of an existing row', (table) => table.put(key, { text: 'x' }, '"etag"')],
  ['list', (table) => collect(table.list())],
];
const unavailable = { code: 'records-unavailable', outcomeUnknown: true };

describe.each(calls)('%s', (_, call) => {
  const servers: Server[] = [];
  const openAt = async (server: Server, callTimeoutMs?: number) => {
    servers.push(server);
    const connectionString = tables.at(await listen(server, 0));
    return openTable<Value>({
      connection: { connectionString },
      name: 'devices',
      callTimeoutMs,
      pageTimeoutMs: callTimeoutMs,
    });
  };
  const answering = (answer: RequestListener) => openAt(createHttpServer(answer));
  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
  });

  test('says that the records are unavailable where nothing listens', async () => {
    const server = createServer();
    const table = await openAt(server);
    await new Promise((resolve) => server.close(resolve));
    expect(await thrownBy(call(table))).toMatchObject(unavailable);
  });

  test('gives up at its deadline where nothing answers', async () => {
    const table = await openAt(
      createServer((socket) => socket.on('error', () => {}).resume()),
      200,
    );
    expect(await thrownBy(call(table))).toMatchObject(unavailable);
  });

  test.each([
    [403, { 'odata.error': { code: 'AuthorizationFailure' } }],
    [404, 'a page of something else'],
    [409, { 'odata.error': { code: 'AccountBeingCreated' } }],
    [501, 'not implemented'],
  ])('says that the records are unavailable at %i', async (status, body) => {
    const table = await answering((request, response) => {
      request.resume();
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
    const error = await thrownBy(call(table));
    expect(error).toMatchObject({ ...unavailable, message: expect.stringContaining(String(status)) });
    // What failed is tried again, and not remembered.
    expect(await thrownBy(call(table))).toMatchObject(unavailable);
    expect(everythingIn(error)).not.toMatch(/SharedKey|devices\(|Authorization:/);
    expect(everythingIn(error)).not.toContain(accountKey);
  });
});

test('a table is there again after an outage', async () => {
  const proxy = await tables.proxy();
  const connectionString = tables.at(proxy.port);
  const table = openTable<Value>({ connection: { connectionString }, name: newName(), callTimeoutMs: 500 });
  await table.put(key, { text: 'kept' }, null);
  await proxy.stop();
  expect(await thrownBy(table.get(key))).toMatchObject(unavailable);
  await proxy.start();
  expect((await table.get(key))?.value.text).toBe('kept');
});

function sdk(name: string): TableClient {
  return TableClient.fromConnectionString(tables.connectionString, name, { allowInsecureConnection: true });
}
