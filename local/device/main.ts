import '../requireNode24.js';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { getSdk } from 'balena-sdk';
import { Command } from 'commander';
import type { BalenaEndpoints } from '../simulators/balena/startBalena.js';
import { wholeNumber } from '../simulators/shared/runSimulator.js';
import type { Endpoints } from '../stack/Endpoints.js';
import { demoDevices, keyStoreOf } from './demo.js';
import { playDevice } from './playDevice.js';
import { playOwnKey } from './playOwnKey.js';

const options = new Command('npm run device --')
  .description(
    'Simulates a device in the system of npm start.\n\n' +
      'Without --own-key, the device has Cloud Relay: it requests credentials, waits until key and certificate are in its variables in balena, connects over MQTT, and sends telemetry.\n\n' +
      'With --own-key, the device makes its own key: it sends the certificate with its API key as the proof, waits until the hub accepts the certificate, connects over MQTT, and sends telemetry. The key stays in a file beside endpoints.json, which only this program reads.',
  )
  .option('--own-key', 'the device makes its own key, and nothing is stored in balena')
  .option('--renew', 'with --own-key: make another key, as a device does before its certificate expires')
  .option(
    '--uuid <uuid>',
    'a device of the local fleet (default: the device that npm start has played in the same way)',
  )
  .option('--new', 'register a new device first, and simulate the new device')
  .option('--service <name>', 'service that requests the credentials; "" for the device level', 'main')
  .option('--messages <number>', 'number of telemetry messages', wholeNumber, 3)
  .option('--interval <ms>', 'time between two messages', wholeNumber, 1_000)
  .option(
    '--no-proof',
    'send no proof of the device, as the unmodified Cloud Relay, and repeat the request whatever the answer is',
  )
  .option('--no-os-report', 'do not report an OS to balena: the device then has no install of a host OS')
  .option('--patience <seconds>', 'longest wait until the device may connect', wholeNumber, 300)
  .option('--endpoints <file>', 'file with the addresses, written by npm start', '.local/endpoints.json')
  .addHelpText(
    'after',
    '\nExamples:\n' +
      '  npm run device\n' +
      '  npm run device -- --new --service cloud-relay --messages 10\n' +
      '  npm run device -- --own-key --new\n' +
      '  npm run device -- --own-key --renew',
  )
  .parse()
  .opts<{
    ownKey?: boolean;
    renew?: boolean;
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
  const wrong = wrongTogether();
  if (wrong) throw new Error(wrong);
  const endpoints = await readEndpoints(options.endpoints);
  const registered = options.new ? await register(endpoints.balena) : undefined;
  const played = demoDevices(endpoints)[options.ownKey ? 'own' : 'issued'];
  const uuid = options.uuid?.toLowerCase() ?? registered?.uuid ?? played ?? '';
  const device = {
    endpoints,
    uuid,
    ...(registered && { apiKey: registered.apiKey }),
    reportsOs: options.osReport,
    messages: options.messages,
    intervalMs: options.interval,
    patienceMs: options.patience * 1_000,
    say: (line: string) => console.log(`device ${uuid.slice(0, 7)} ${line}`),
  };
  if (options.ownKey)
    await playOwnKey({
      ...device,
      ...keyStoreOf(endpoints, dirname(options.endpoints)),
      renews: options.renew === true,
    });
  else await playDevice({ ...device, service: options.service, proves: options.proof });
  process.exit(0);
} catch (error) {
  console.error(`The device gives up: ${describe(error)}`);
  process.exit(1);
}

/** @returns a sentence if two options exclude each other; otherwise undefined */
function wrongTogether(): string | undefined {
  if (options.renew && !options.ownKey)
    return '--renew is for a device with an own key: add --own-key. The product itself renews an issued key.';
  if (options.ownKey && !options.proof)
    return '--no-proof cannot be together with --own-key: a request with an own key always needs the proof of the device.';
  return undefined;
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
