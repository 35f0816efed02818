import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTables } from '../../local/simulators/tables/startTables.js';
import { type ErasableTable, openTable, type ScannedTable } from '../../src/storage/table.js';
import { type CountingProxy, startProxy } from './startProxy.js';

/** Azure Tables for one test file. Closed by `afterAll`. */
export async function useTables() {
  const folder = await mkdtemp(join(tmpdir(), 'tables-'));
  const { endpoints, close } = await startTables({ port: 0, folder });
  const proxies: CountingProxy[] = [];
  afterAll(async () => {
    for (const proxy of proxies) await proxy.stop();
    await close();
    await rm(folder, { recursive: true });
  });
  const { connectionString } = endpoints;
  const port = Number(/:(\d+)\//.exec(connectionString)?.[1]);
  return {
    connectionString,
    /** The connection string with another port. */
    at: (other: number) => connectionString.replace(`:${port}/`, `:${other}/`),
    async proxy() {
      const proxy = await startProxy(port);
      proxies.push(proxy);
      return proxy;
    },
    /** A new table. No call misses its deadline, also on a busy machine. */
    newTable: <T>(): ErasableTable<T> & ScannedTable<T> =>
      openTable<T>({
        connection: { connectionString },
        name: newName(),
        callTimeoutMs: 60_000,
        pageTimeoutMs: 60_000,
      }),
  };
}

export function newName(): string {
  return `t${randomUUID().replaceAll('-', '')}`;
}
