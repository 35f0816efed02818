import '../requireNode24.js';
import { readFile } from 'node:fs/promises';
import { getSdk } from 'balena-sdk';
import { Command } from 'commander';
import type { BalenaEndpoints } from '../simulators/balena/startBalena.js';
import { wholeNumber } from '../simulators/shared/runSimulator.js';
import type { Endpoints } from '../stack/Endpoints.js';
import { playDevice } from './playDevice.js';

const options = new Command('npm run device --')
  .description(
    'Simulates a device with Cloud Relay, in the system of npm start: reports the OS, requests credentials, waits for the variables, connects over MQTT, and sends telemetry.',
  )
  .option('--uuid <uuid>', "a device of the local fleet (default: the fleet's first)")
  .option('--new', 'register a new device first, and simulate the new device')
  .option('--service <name>', 'service that requests the credentials; "" for the device level', 'main')
  .option('--messages <number>', 'number of telemetry messages', wholeNumber, 3)
  .option('--interval <ms>', 'time between two messages', wholeNumber, 1_000)
  .option(
    '--no-proof',
    'send no proof of the device, as the unmodified Cloud Relay, and repeat the request whatever the answer is',
  )
  .option('--no-os-report', 'do not report an OS to balena: the device then has no install of a host OS')
  .option('--patience <seconds>', 'longest wait for the credentials', wholeNumber, 300)
  .option('--endpoints <file>', 'file with the addresses, written by npm start', '.local/endpoints.json')
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
    osReport: boolean;
    proof: boolean;
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
    reportsOs: options.osReport,
    proves: options.proof,
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
    return 'the functions do not answer. Start the system with npm start; if it runs already, read its output.';
  return message ?? String(error);
}
