import '../local/requireNode24.js';
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, release, totalmem, type } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { brokerMain, type Figures, measureBroker } from './brokerFigures.js';
import { killBroker } from './killBroker.js';

/**
 * Measures the local Service Bus broker through the unmodified SDK, in memory and on disk, and prints one table. The broker
 * runs in a process of its own; this process is its only client.
 */
const program = new Command('bench:broker')
  .description('Measures the local Service Bus broker, in memory and on disk.')
  .option('--scale <factor>', 'share of the usual amount of work', '1')
  .option('--folder <folder>', 'where the disk measured is; default: the folder that this is run from', '.')
  .option('--kills <count>', 'instead: kill it this often under load, and count what was lost')
  .parse();
const { scale, folder, kills } = program.opts<{ scale: string; folder: string; kills?: string }>();

const data = await mkdtemp(join(folder, '.bench-broker-'));
try {
  if (kills === undefined) {
    const memory = await measureBroker(undefined, Number(scale));
    const disk = await measureBroker(data, Number(scale));
    print(memory, disk);
  } else {
    console.log(await killBroker(brokerMain, data, Number(kills)));
  }
} finally {
  await rm(data, { recursive: true });
}
// Clients of a broker that was killed may still be trying to reach it.
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
