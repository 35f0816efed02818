import '../../requireNode24.js';
import { Command } from 'commander';
import { runSimulator, wholeNumber } from '../shared/runSimulator.js';

const options = new Command('balena')
  .description('Simulates the used part of the balena API, on loopback.')
  .option('--port <number>', 'port of the API; 0 for any free port', wholeNumber, 7080)
  .option('--or-free-port', 'take a free port if the port is in use', false)
  .option('--folder <path>', 'folder of devices and variables (default: in memory only)')
  .option('--fleet <slug>', 'slug of the demo fleet', 'local/demo')
  .option('--services <names>', "the fleet's services, comma-separated", 'cloud-relay,main')
  .option('--devices <number>', 'least number of devices in the fleet', wholeNumber, 1)
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
  // A static import would fail on an older Node before requireNode24 can print a clear message.
  const { startBalena } = await import('./startBalena.js');
  return startBalena({
    ...options,
    services: options.services.split(',').map((name) => name.trim()),
    onEvent: (line) => console.log(line),
  });
});
