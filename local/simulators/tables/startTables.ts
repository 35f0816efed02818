import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import tableConfigurationModule from 'azurite/dist/src/table/TableConfiguration.js';
import tableServerModule from 'azurite/dist/src/table/TableServer.js';
import { listen } from '../shared/loopback.js';
import type { Simulator } from '../shared/runSimulator.js';
import { startControl } from '../shared/startControl.js';

const { default: TableConfiguration } = tableConfigurationModule;
const { default: TableServer } = tableServerModule;

export interface TablesOptions {
  /** Default 10002; 0 for any free port. */
  port?: number;
  /** Take a free port instead of failing when the port is in use. */
  orFreePort?: boolean;
  /**
   * Azurite writes a file in this folder every few seconds and on closing. A kill -9 therefore loses the last seconds
   * of changes.
   */
  folder: string;
}

export interface TablesEndpoints {
  connectionString: string;
  /** The control server (see startControl.ts). Only `POST /drop` has an effect: Azurite answers the requests. */
  controlUrl: string;
}

const account = 'local';
const keepAliveSeconds = 60;

/**
 * Starts Azure Tables on this machine: Azurite, with an account of its own. A process can call this function only
 * once.
 */
export async function startTables({
  port = 10_002,
  orFreePort,
  folder,
}: TablesOptions): Promise<Simulator<TablesEndpoints>> {
  await mkdir(folder, { recursive: true });
  const key = await accountKey(join(folder, 'account.key'));
  // Azurite reads accounts from this variable.
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
  const control = await startControl();
  control.connections.watch(server.httpServer);
  return {
    endpoints: {
      connectionString:
        `DefaultEndpointsProtocol=http;AccountName=${account};AccountKey=${key};` +
        `TableEndpoint=http://127.0.0.1:${chosen}/${account};`,
      controlUrl: control.url,
    },
    close: async () => {
      await control.close();
      await server.close();
      // Closing saves all changes since the last save, but does not wait for a save under way.
      await new Promise((resolve) => server.metadataStore.db.throttledSaveDrain(resolve));
    },
  };
}

/** Azurite cannot choose a free port by itself, and so the port is chosen just before the start. */
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
