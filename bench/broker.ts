import '../local/requireNode24.js';
import { fork } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, release, totalmem, type } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ServiceBusClient } from '@azure/service-bus';
import { Command } from 'commander';
import type { BrokerEndpoints } from '../local/simulators/servicebus/startBroker.js';
import { latency, receiveAll, sendBatches, sendOneByOne, sendParallel } from './brokerLoads.js';
import { residentMb } from './harness.js';
import { killBroker } from './killBroker.js';

/**
 * Measures the local Service Bus broker through the unmodified SDK, in memory and on disk, and prints one table. The
 * broker runs in a process of its own. This process is the only client.
 */
const program = new Command('bench:broker')
  .description('Measures the local Service Bus broker, in memory and on disk.')
  .option('--scale <factor>', 'share of the usual amount of work', '1')
  .option('--folder <folder>', 'folder on the measured disk; default: the current folder', '.')
  .option(
    '--kills <count>',
    'instead of measuring, kill the broker this often under load and count the lost messages',
  )
  .parse();
const { scale, folder, kills } = program.opts<{ scale: string; folder: string; kills?: string }>();

const brokerMain = fileURLToPath(new URL('../local/simulators/servicebus/main.js', import.meta.url));
const data = await mkdtemp(join(folder, '.bench-broker-'));
try {
  if (kills === undefined) {
    const memory = await measureBroker(undefined, Number(scale));
    const disk = await measureBroker(data, Number(scale));
    print(memory, disk);
  } else {
    console.log(JSON.stringify(await killBroker(brokerMain, data, Number(kills))));
  }
} finally {
  await rm(data, { recursive: true });
}
// Exit at once: the clients of a killed broker may still be trying to reach the broker.
process.exit();

function print(memory: Figures, disk: Figures): void {
  const [processor] = cpus();
  console.log(
    `\n${processor?.model.trim()}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, ${type()} ${release()}, ` +
      `Node ${process.version}\n`,
  );
  console.log('| | in memory | on disk |');
  console.log('|---|--:|--:|');
  for (const row of Object.keys(memory)) console.log(`| ${row} | ${memory[row]} | ${disk[row]} |`);
}

/** Figures by name, formatted for the table. */
type Figures = Record<string, string>;

/**
 * Starts a broker and measures it.
 * @param folder of the messages; undefined: in memory
 * @param scale share of the usual amount of work
 */
async function measureBroker(folder: string | undefined, scale: number): Promise<Figures> {
  const count = (usual: number) => Math.max(100, Math.round((usual * scale) / 100) * 100);
  const args = ['--port', '0', '--credits', '0'];
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
    figures[`${depth}: memory of the broker`] = `${await residentMb(broker.pid)} MiB`;
    // These messages are scheduled: the one measured message does not wait behind them.
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
