import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TablesEndpoints } from '../../local/simulators/tables/startTables.js';
import { forkSimulator } from '../../local/stack/forkSimulator.js';
import { burst } from '../scenarios/burst.js';
import { startCountingProxy } from './countingProxy.js';

/**
 * Plays a fleet that boots, in real time and with all processes, and counts its billed operations.
 *
 * @param units S1 units of the hub
 * @returns the figures for each device
 */
export async function measureBoot(devices: number, units: number): Promise<Record<string, number>> {
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
    const deliveries = figures['deliveries/device'];
    return {
      'not provisioned': figures['not provisioned'],
      'elapsed s': figures['elapsed s'],
      requests: each(figures.requested),
      deliveries,
      // Each message is sent, delivered and completed.
      'Service Bus operations': Math.round(deliveries * 3 * 10) / 10,
      'Service Bus credits': figures['credits/device'],
      'table operations': Math.round(operations.reduce((sum, [, count]) => sum + count, 0) * 10) / 10,
      ...Object.fromEntries(operations.map(([what, count]) => [`  ${what}`, count])),
    };
  } finally {
    proxy.close();
    await tables.stop();
    await rm(folder, { recursive: true });
  }
}
