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
    'Starts a system of its own, lets two fleets boot, of which some devices ask for a service that is not there, and photographs the page of ops into docs/images/. Nothing in it is made up, so the charts need their time.',
  )
  .option('--minutes <number>', 'how long it runs before the first picture is taken', wholeNumber, 7)
  .parse()
  .opts<{ minutes: number }>();

const folder = join(projectFolder(), 'docs/images');
await mkdir(folder, { recursive: true });
const stack = await quietStack({ hub: ['--tier', 'S1', '--units', '1'], settings: { ...process.env } });
try {
  const { fix } = await startTrouble(stack.endpoints);
  console.log(`Two fleets boot. Pictures in ${minutes} minutes.`);
  await setTimeout(minutes * 60_000);
  for (const file of await takeScreenshots(stack.endpoints, folder, fix)) console.log(file);
} catch (error) {
  console.error(stack.tail());
  throw error;
} finally {
  await stack.close();
}
