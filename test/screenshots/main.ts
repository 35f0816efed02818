import '../../local/requireNode24.js';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { Command } from 'commander';
import { quietStack } from '../../bench/harness.js';
import { wholeNumber } from '../../local/simulators/shared/runSimulator.js';
import { projectFolder } from '../../local/stack/projectFolder.js';
import { startTrouble } from './startTrouble.js';
import { takeScreenshots } from './takeScreenshots.js';

const { minutes } = new Command('npm run screenshots --')
  .description(
    'Starts a local system, lets two fleets boot, and saves screenshots of the operators’ page in docs/images/. Some devices request a service that does not exist. All figures are real, so the charts need several minutes.',
  )
  .option('--minutes <number>', 'minutes before the first screenshot', wholeNumber, 7)
  .parse()
  .opts<{ minutes: number }>();

const folder = join(projectFolder(), 'docs/images');
await mkdir(folder, { recursive: true });
const stack = await quietStack({ hub: ['--tier', 'S1', '--units', '1'], settings: { ...process.env } });
try {
  const { fix, stop } = await startTrouble(stack.endpoints);
  console.log(`Two fleets boot. The first screenshot follows in ${minutes} minutes.`);
  await setTimeout(minutes * 60_000);
  for (const file of await takeScreenshots(stack.endpoints, folder, fix)) console.log(file);
  await stop();
} catch (error) {
  console.error(stack.tail());
  throw error;
} finally {
  await stack.close();
}
