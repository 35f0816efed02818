import '../../requireNode24.js';
import { Command, InvalidArgumentError, Option } from 'commander';
import { runSimulator } from '../shared/runSimulator.js';
import { type Tier, tiers } from './throttle.js';

interface Given {
  httpsPort: number;
  mqttPort: number;
  orFreePort?: boolean;
  folder?: string;
  tier: Tier;
  units: number;
  unthrottled?: boolean;
}

const command = new Command('iothub')
  .description(
    'Simulates Azure IoT Hub on this machine: the identity registry (HTTPS) and the MQTT server for devices.',
  )
  .option('--https-port <port>', 'port of the registry; 0 for any free port', port, 8443)
  .option('--mqtt-port <port>', 'port for the devices; 0 for any free port', port, 8883)
  .option('--or-free-port', 'take free ports if these ports are in use')
  .option('--folder <path>', 'folder of identities, keys and certificate (default: in memory)')
  .addOption(new Option('--tier <tier>', 'tier of the hub, for the throttle').choices(tiers).default('S1'))
  .option('--units <number>', 'units of the tier, 1 to 200', units, 1)
  .option('--unthrottled', 'no throttle');

const given = command.parse().opts<Given>();
if (given.tier === 'F1' && given.units !== 1) command.error('error: tier F1 has exactly one unit');
await runSimulator('IoT Hub', async () => {
  // A static import would fail on an older Node before requireNode24 can print a clear message.
  const { startIotHub } = await import('./startIotHub.js');
  return startIotHub({ ...given, onEvent: (line) => console.log(line) });
});

function port(text: string): number {
  return whole(text, 0, 65_535);
}

function units(text: string): number {
  return whole(text, 1, 200);
}

function whole(text: string, least: number, most: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new InvalidArgumentError(`Give a whole number from ${least} to ${most}.`);
}
