import '../requireNode24.js';
import { readFile } from 'node:fs/promises';
import { getSdk } from 'balena-sdk';
import { Command } from 'commander';
import type { BalenaEndpoints } from '../simulators/balena/startBalena.js';
import { wholeNumber } from '../simulators/shared/wholeNumber.js';
import type { Endpoints } from '../stack/Endpoints.js';
import { playDevice } from './playDevice.js';

const options = new Command('npm run device --')
  .description(
    'Plays a device with Cloud Relay against the system that npm start runs: asks for credentials, waits until the variables are there, connects over MQTT with them, sends telemetry.',
  )
  .option('--uuid <uuid>', "a device of the local fleet (default: the fleet's first)")
  .option('--new', 'register a new device first, and play that')
  .option('--service <name>', 'the service that asks; "" for the device level', 'main')
  .option('--messages <number>', 'how many telemetry messages to send', wholeNumber, 3)
  .option('--interval <ms>', 'time between them', wholeNumber, 1_000)
  .option('--patience <seconds>', 'how long to wait for the credentials', wholeNumber, 300)
  .option('--endpoints <file>', 'what npm start wrote', '.local/endpoints.json')
  .addHelpText(
    'after',
    '\nExamples:\n  npm run device\n  npm run device -- --new --service cloud-relay --messages 10',
  )
  .parse()
  .opts<{
    uuid?: string;
    new?: boolean;
    service: string;
    messages: number;
    interval: number;
    patience: number;
    endpoints: string;
  }>();

try {
  const endpoints = await readEndpoints(options.endpoints);
  const registered = options.new ? await register(endpoints.balena) : undefined;
  const uuid = options.uuid?.toLowerCase() ?? registered?.uuid ?? endpoints.balena?.devices[0]?.uuid ?? '';
  await playDevice({
    endpoints,
    uuid,
    ...(registered && { apiKey: registered.apiKey }),
    service: options.service,
    messages: options.messages,
    intervalMs: options.interval,
    patienceMs: options.patience * 1_000,
    say: (line) => console.log(`device ${uuid.slice(0, 7)} ${line}`),
  });
  process.exit(0);
} catch (error) {
  console.error(`The device gives up: ${describe(error)}`);
  process.exit(1);
}

async function readEndpoints(file: string): Promise<Endpoints> {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch {
    throw new Error(
      `${file} cannot be read: is the system running? Start it with npm start, in another terminal.`,
    );
  }
}

async function register(balena: BalenaEndpoints | undefined) {
  if (!balena) return undefined;
  const sdk = getSdk({ apiUrl: balena.apiUrl, dataDirectory: false });
  await sdk.auth.loginWithToken(balena.apiKey);
  const uuid = sdk.models.device.generateUniqueKey().slice(0, 32);
  const { api_key: apiKey } = await sdk.models.device.register(balena.fleet, uuid);
  return { uuid, apiKey };
}

function describe(error: unknown): string {
  const { message, cause } = error as { message?: string; cause?: { code?: string } };
  if (cause?.code === 'ECONNREFUSED')
    return 'nothing answers there: is the system running? Start it with npm start.';
  return message ?? String(error);
}
