import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer, type Server } from 'node:net';
import { TableClient } from '@azure/data-tables';
import { listen } from '../../../local/simulators/shared/loopback.js';
import { openTable, type Table } from '../../../src/storage/table.js';
import { collect } from '../../support/collect.js';
import { describeTable } from '../../support/tableContract.js';
import { everythingIn, thrownBy } from '../../support/thrownBy.js';
import { newName, useTables } from '../../support/useTables.js';

interface Value {
  text: string;
}

const tables = await useTables();
const accountKey = /AccountKey=([^;]+)/.exec(tables.connectionString)![1]!;
const key = { partition: 'p', row: 'r' };

describe('a table on Azurite', () => {
  describeTable(() => tables.newTable());

  test('that another client deletes fails one call, and is created again by the next call', async () => {
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
    // A call after a failed call starts anew: no error is cached.
    expect(await thrownBy(call(table))).toMatchObject(unavailable);
    expect(everythingIn(error)).not.toMatch(/SharedKey|devices\(|Authorization:/);
    expect(everythingIn(error)).not.toContain(accountKey);
  });
});

test('a table is there again after an outage', async () => {
  const proxy = await tables.proxy();
  const connectionString = tables.at(proxy.port);
  const table = openTable<Value>({
    connection: { connectionString },
    name: newName(),
    callTimeoutMs: 60_000,
  });
  await table.put(key, { text: 'kept' }, null);
  await proxy.stop();
  expect(await thrownBy(table.get(key))).toMatchObject(unavailable);
  await proxy.start();
  expect((await table.get(key))?.value.text).toBe('kept');
});

function sdk(name: string): TableClient {
  return TableClient.fromConnectionString(tables.connectionString, name, { allowInsecureConnection: true });
}
