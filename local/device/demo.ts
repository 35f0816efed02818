import { join, relative } from 'node:path';
import { styleText } from 'node:util';
import type { Endpoints } from '../stack/Endpoints.js';
import { apiKeyOf } from './parts.js';
import { playDevice } from './playDevice.js';
import { playOwnKey } from './playOwnKey.js';
import { readVariables } from './readVariables.js';

/** The demo fleet has a device for each of the two ways, and one between them for the commands that readers paste. */
export const fewestDevices = 3;

/** The devices of the demo fleet that `npm start` plays. */
export function demoDevices({ balena }: Endpoints): {
  issued: string | undefined;
  own: string | undefined;
} {
  return { issued: balena?.devices[0]?.uuid, own: balena?.devices[2]?.uuid };
}

/** Where simulated devices keep their own keys, and how long their certificates last. @param folder the folder of the system's state */
export function keyStoreOf({ settings }: Endpoints, folder: string): { folder: string; days: number } {
  return { folder: join(folder, 'devices'), days: Number(settings.CERT_DAYS ?? 365) };
}

/**
 * Plays one device with an issued key and one with an own key, and then compares the two. A device that gives up does not stop the system.
 *
 * @param folder the folder of the system's state
 * @param print prints a line with the name of its origin
 */
export async function showDemo(
  endpoints: Endpoints,
  folder: string,
  print: (name: string, line: string) => void,
): Promise<void> {
  const { issued, own } = demoDevices(endpoints);
  if (!issued || !own || !endpoints.iotHub) return;
  const optionsOf = (uuid: string) => ({
    endpoints,
    uuid,
    messages: 1,
    intervalMs: 0,
    patienceMs: 120_000,
    say: (line: string) => print('device', `${uuid.slice(0, 7)} ${line}`),
  });
  try {
    title('Way 1, an issued key: the product makes the key, and the device gets the key from balena.');
    await playDevice({ ...optionsOf(issued), service: 'main' });
    title('Way 2, an own key: the device makes the key, and the key never leaves the device.');
    const keyFile = await playOwnKey({ ...optionsOf(own), ...keyStoreOf(endpoints, folder) });
    const compared = await comparison(endpoints, { issued, own }, keyFile);
    title('Both ways, side by side (docs/keys.md says which way is for whom):');
    console.log(compared);
  } catch (error) {
    const why = error instanceof Error ? error.message : error;
    print('start', `The device gives up: ${why}. The system is running.`);
  }
}

/** Compares the two devices. The names of the variables come from balena. */
async function comparison(
  endpoints: Endpoints,
  { issued, own }: { issued: string; own: string },
  keyFile: string,
): Promise<string> {
  const [storedForIssued, storedForOwn] = await Promise.all([issued, own].map(storedIn(endpoints)));
  const rows = [
    ['', 'issued key', 'own key'],
    ['device', `${issued.slice(0, 7)}, with Cloud Relay`, `${own.slice(0, 7)}, without Cloud Relay`],
    ['who made the key', 'the product', 'the device'],
    ['stored in balena', storedForIssued, storedForOwn],
    ['where the key is', 'in balena, and on the device', relative('', keyFile)],
    ['sent telemetry', 'yes', 'yes'],
  ];
  const lines = rows.map(([what = '', first = '', second = '']) =>
    `  ${what.padEnd(18)}${first.padEnd(31)}${second}`.trimEnd(),
  );
  return lines.join('\n');
}

function title(text: string): void {
  console.log(`\n${styleText('bold', text)}`);
}

/** @returns a function that reads the names of the variables of a device in balena */
function storedIn(endpoints: Endpoints) {
  return async (uuid: string): Promise<string> => {
    const { apiUrl = '', apiKey: operatorKey = '' } = endpoints.balena ?? {};
    const apiKey = apiKeyOf({ endpoints, uuid }) ?? operatorKey;
    const names = Object.keys(await readVariables({ apiUrl, apiKey }, uuid, 'main'));
    return names.sort().join(', ') || 'nothing';
  };
}
