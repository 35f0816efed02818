import '../../requireNode24.js';
import { Command } from 'commander';
import { runSimulator, wholeNumber } from '../shared/runSimulator.js';
import { startTables } from './startTables.js';

const options = new Command('tables')
  .description('Runs Azure Tables on this machine (Azurite), on loopback.')
  .requiredOption('--folder <path>', 'folder of the tables')
  .option('--port <number>', 'port; 0 for any free port', wholeNumber, 10_002)
  .option('--or-free-port', 'take a free port if the port is in use')
  .parse()
  .opts<{ folder: string; port: number; orFreePort?: boolean }>();

// Azurite calls deprecated functions of Node.
process.noDeprecation = true;
await runSimulator('tables', () => startTables(options));
