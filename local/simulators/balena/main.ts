import '../../requireNode24.js';
import { Command } from 'commander';
import { runSimulator } from '../shared/runSimulator.js';
import { wholeNumber } from '../shared/wholeNumber.js';

const options = new Command('balena')
  .description('A simulator for the part of the balena API that is used here, on loopback')
  .option('--port <number>', 'port of the API', wholeNumber, 7080)
  .option('--or-free-port', 'take a free port when that one is in use', false)
  .option('--folder <path>', 'where to keep devices and variables (default: in memory only)')
  .option('--fleet <slug>', 'fleet that is there at the start', 'local/demo')
  .option('--services <names>', "the fleet's services, comma-separated", 'cloud-relay,main')
  .option('--devices <number>', 'how many devices the fleet has at least', wholeNumber, 1)
  .parse()
  .opts<{
    port: number;
    orFreePort: boolean;
    folder?: string;
    fleet: string;
    services: string;
    devices: number;
  }>();

await runSimulator('balena', async () => {
  // Imported late: an older Node lacks modules that the import needs, and requireNode24 must print its message first.
  const { startBalena } = await import('./startBalena.js');
  return startBalena({
    ...options,
    services: options.services.split(',').map((name) => name.trim()),
    onEvent: (line) => console.log(line),
  });
});
