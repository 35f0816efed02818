import { fork } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { ServiceBusClient } from '@azure/service-bus';
import type { BrokerEndpoints } from '../local/simulators/servicebus/startBroker.js';
import { latency, receiveAll, sendBatches, sendOneByOne, sendParallel } from './brokerLoads.js';

/** What was measured: name and figure, as they are printed. */
export type Figures = Record<string, string>;

export const brokerMain = fileURLToPath(new URL('../local/simulators/servicebus/main.js', import.meta.url));

/**
 * Starts a broker and measures it.
 * @param folder where it keeps its messages; undefined: in memory
 * @param scale share of the usual amount of work
 */
export async function measureBroker(folder: string | undefined, scale: number): Promise<Figures> {
  const count = (usual: number) => Math.max(100, Math.round((usual * scale) / 100) * 100);
  const args = ['--port', '0'];
  for (const queue of ['warm', 'empty', 'empty-latency', 'deep', 'deep-latency']) args.push('--queue', queue);
  if (folder !== undefined) args.push('--folder', folder);
  const broker = fork(brokerMain, args, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const { ready } = await new Promise<{ ready: BrokerEndpoints }>((resolve, reject) => {
    broker.once('message', (message) => resolve(message as { ready: BrokerEndpoints }));
    broker.once('exit', (code) => reject(new Error(`the broker ended with code ${code}`)));
  });
  const client = new ServiceBusClient(ready.connectionString);
  const figures: Figures = {};
  const measureLoads = async (title: string, queue: string) => {
    const rate = (perSecond: number) => `${Math.round(perSecond).toLocaleString('en')}/s`;
    figures[`${title}: send, one at a time`] = rate(await sendOneByOne(client, queue, count(3000)));
    figures[`${title}: send, 500 in parallel`] = rate(await sendParallel(client, queue, count(30_000)));
    figures[`${title}: send, batches of 100`] = rate(await sendBatches(client, queue, count(30_000)));
    figures[`${title}: receive + complete, 100 in flight`] = rate(
      await receiveAll(client, queue, count(63_000)),
    );
    const { p50, p99 } = await latency(client, `${queue}-latency`, count(2000));
    figures[`${title}: send → handler, p50`] = `${p50.toFixed(1)} ms`;
    figures[`${title}: send → handler, p99`] = `${p99.toFixed(1)} ms`;
  };
  try {
    await sendParallel(client, 'warm', count(5000));
    await receiveAll(client, 'warm', count(5000));
    await measureLoads('empty queue', 'empty');

    await sendBatches(client, 'deep', count(100_000));
    const depth = `${count(100_000).toLocaleString('en')} waiting`;
    figures[`${depth}: memory of the broker`] =
      `${Math.round((await residentBytes(broker.pid!)) / 2 ** 20)} MiB`;
    // Scheduled, so that the one message whose way is measured is not behind them.
    await sendBatches(client, 'deep-latency', count(100_000), { scheduledInMs: 3_600_000 });
    await measureLoads(depth, 'deep');
  } finally {
    await client.close();
    const ended = new Promise((resolve) => broker.once('exit', resolve));
    broker.kill('SIGTERM');
    await ended;
  }
  return figures;
}

/** Linux only; elsewhere NaN. */
async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
}
