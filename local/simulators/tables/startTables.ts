import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import tableConfigurationModule from 'azurite/dist/src/table/TableConfiguration.js';
import tableServerModule from 'azurite/dist/src/table/TableServer.js';
import { listen } from '../shared/listen.js';
import type { Simulator } from '../shared/runSimulator.js';

const { default: TableConfiguration } = tableConfigurationModule;
const { default: TableServer } = tableServerModule;

export interface TablesOptions {
  /** Default 10002; 0 for any free one. */
  port?: number;
  /** Take a free port when that one is in use, instead of failing. */
  orFreePort?: boolean;
  /** Azurite writes its file there every few seconds, and when it is closed: a kill -9 loses the last ones. */
  folder: string;
}

export interface TablesEndpoints {
  connectionString: string;
}

const account = 'local';
const keepAliveSeconds = 60;

/** Azure Tables on this machine: Azurite, with an account of our own. A process can do it once. */
export async function startTables({
  port = 10_002,
  orFreePort,
  folder,
}: TablesOptions): Promise<Simulator<TablesEndpoints>> {
  await mkdir(folder, { recursive: true });
  const key = await accountKey(join(folder, 'account.key'));
  // Where Azurite reads its accounts from.
  process.env.AZURITE_ACCOUNTS = `${account}:${key}`;
  const chosen = await freePort(port, orFreePort);
  const database = join(folder, 'tables.json');
  const server = new TableServer(
    new TableConfiguration(
      '127.0.0.1',
      chosen,
      keepAliveSeconds,
      database,
      false,
      false,
      undefined,
      undefined,
      false,
      true,
    ),
  );
  await server.start();
  return {
    endpoints: {
      connectionString:
        `DefaultEndpointsProtocol=http;AccountName=${account};AccountKey=${key};` +
        `TableEndpoint=http://127.0.0.1:${chosen}/${account};`,
    },
    close: async () => {
      await server.close();
      // Closing saves what has changed since the last save, and does not wait for a save that is under way.
      await new Promise((resolve) => server.metadataStore.db.throttledSaveDrain(resolve));
    },
  };
}

/** Azurite can only be told a port: it is looked for just before. */
async function freePort(port: number, orFree: boolean | undefined): Promise<number> {
  const probe = createServer();
  const found = await listen(probe, port, orFree);
  await new Promise((resolve) => probe.close(resolve));
  return found;
}

async function accountKey(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch {
    const key = randomBytes(64).toString('base64');
    await writeFile(file, key, { mode: 0o600 });
    return key;
  }
}
