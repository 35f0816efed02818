import '../local/requireNode24.js';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { wholeNumber } from '../local/simulators/shared/runSimulator.js';
import type { TablesEndpoints } from '../local/simulators/tables/startTables.js';
import { forkSimulator } from '../local/stack/forkSimulator.js';
import { burst } from './scenarios/burst.js';

const { devices, units } = new Command('npm run bench:cost --')
  .description(
    'Counts the billed operations of a booting fleet: requests, messages and table operations for each device.',
  )
  .option(
    '--devices <number>',
    'number of devices; all request at once, and repeat the request like Cloud Relay',
    wholeNumber,
    1_000,
  )
  .option('--units <number>', 'S1 units of the hub', wholeNumber, 10)
  .parse()
  .opts<{ devices: number; units: number }>();

const folder = await mkdtemp(join(tmpdir(), 'bench-'));
const tables = await forkSimulator<TablesEndpoints>({
  name: 'tables',
  entry: 'local/simulators/tables/main.js',
  args: ['--folder', folder, '--port', '0'],
  env: process.env,
  onLine: () => {},
});
const { connectionString } = tables.endpoints;
const [, address = ''] = /TableEndpoint=(http:\/\/[^/]+)/.exec(connectionString) ?? [];
const proxy = await startCountingProxy(address);
// Set like a real dependency: no second simulator for tables is started.
process.env.RECORDS_CONNECTION = connectionString.replace(address, proxy.url);
try {
  const figures = await burst({ devices, tier: 'S1', units, workers: 1, progress: () => {} });
  const each = (count: number) => Math.round((count / devices) * 10) / 10;
  const operations = Object.entries(proxy.counts()).map(([what, count]) => [what, each(count)] as const);
  const total = operations.reduce((sum, [, count]) => sum + count, 0);
  const deliveries = figures['deliveries/device'];
  console.log(
    `${devices} devices at once, S1 x ${units}: ${figures['elapsed s']} s, ${figures['not provisioned']} not provisioned`,
  );
  console.table({
    'requests / device': each(figures.requested),
    'deliveries / device': deliveries,
    'Service Bus credits / device': figures['credits/device'],
    // Each message is sent, delivered and completed.
    'Service Bus operations / device': Math.round(deliveries * 3 * 10) / 10,
    'table operations / device': Math.round(total * 10) / 10,
    ...Object.fromEntries(operations.map(([what, count]) => [`  ${what}`, count])),
  });
} finally {
  proxy.close();
  await tables.stop();
  await rm(folder, { recursive: true });
}
process.exit(0);

export interface CountingProxy {
  url: string;
  /** Requests until now, by method and table. */
  counts(): Record<string, number>;
  close(): void;
}

/** Starts a proxy that forwards requests for tables and counts them. */
export async function startCountingProxy(target: string): Promise<CountingProxy> {
  const counts: Record<string, number> = {};
  const agent = new Agent({ keepAlive: true });
  const server = createServer((incoming, outgoing) => {
    const table = /^\/\w+\/(\w+)/.exec(incoming.url ?? '')?.[1] ?? '';
    const what = `${incoming.method} ${table}`;
    counts[what] = (counts[what] ?? 0) + 1;
    const { method, headers } = incoming;
    const passed = request(`${target}${incoming.url}`, { method, headers, agent }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    passed.on('error', () => outgoing.destroy());
    incoming.pipe(passed);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    counts: () => ({ ...counts }),
    close() {
      server.closeAllConnections();
      server.close();
      agent.destroy();
    },
  };
}
