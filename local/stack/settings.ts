import { readFile, rename, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Simulators } from './simulators.js';

export type Settings = Record<string, string | undefined>;

export const queue = 'provisioning';

/** The queue as the broker makes it, and as infra/ has it in Azure. */
export const queueDefaults = { lock: 120, deliveries: 10, window: 600, deadletter: 'yes' } as const;

/** For the broker's `--queue`. */
export function queueArgument(different: { lock?: number; window?: number | string } = {}): string {
  const properties = Object.entries({ ...queueDefaults, ...different });
  return `${queue}:${properties.map((pair) => pair.join('=')).join(',')}`;
}

/** Which dependencies the settings name: those are used instead of their simulator. */
export function realSettings(settings: Settings) {
  const any = (...names: string[]) => names.some((name) => settings[name]?.trim());
  return {
    balena: any('BALENA_API_KEY'),
    iotHub: any('IOTHUB_CONNECTION_STRING', 'CONNECTION_STRING', 'IOTHUB_HOST_NAME'),
    serviceBus: any('SERVICEBUS_CONNECTION', 'SERVICEBUS_CONNECTION__fullyQualifiedNamespace'),
    tables: any('RECORDS_CONNECTION', 'RECORDS_CONNECTION__accountName'),
  };
}

/** The settings that point the functions at the simulators. */
export async function simulatorSettings(
  { balena, iotHub, serviceBus, tables }: Simulators,
  folder: string,
): Promise<Settings> {
  const caFiles = [iotHub, serviceBus].flatMap((each) => (each ? [each.endpoints.caFile] : []));
  return {
    ...(caFiles.length > 0 && { NODE_EXTRA_CA_CERTS: await trustAlso(caFiles, join(folder, 'trusted.pem')) }),
    ...(balena && { BALENA_API_URL: balena.endpoints.apiUrl, BALENA_API_KEY: balena.endpoints.apiKey }),
    ...(iotHub && {
      IOTHUB_CONNECTION_STRING: iotHub.endpoints.connectionString,
    }),
    ...(serviceBus && {
      SERVICEBUS_CONNECTION: serviceBus.endpoints.connectionString,
      PROVISIONING_QUEUE: queue,
    }),
    ...(tables && { RECORDS_CONNECTION: tables.endpoints.connectionString }),
  };
}

/** What tells how the functions work; none of it is a secret. */
const sharedSettings = [
  'DEFAULT_SERVICE',
  'DUPLICATE_WINDOW_SECONDS',
  'FLEETS',
  'IOTHUB_TIER',
  'IOTHUB_UNITS',
  'LEASE_GRACE_SECONDS',
  'WORK_LIMIT_SECONDS',
];

export function sharedSettingsOf(env: Settings): Record<string, string> {
  return Object.fromEntries(sharedSettings.flatMap((name) => (env[name] ? [[name, env[name]]] : [])));
}

/** Node takes one file of further certificates: ours are put into a new one, beside those that this machine has already. */
async function trustAlso(caFiles: string[], bundle: string): Promise<string> {
  const already = process.env.NODE_EXTRA_CA_CERTS;
  const files = await Promise.all(
    [...(already ? [already] : []), ...caFiles].map((file) => readFile(file, 'utf8')),
  );
  await writeWhole(bundle, files.join('\n'));
  return resolve(bundle);
}

/** Never half a file for whoever reads it meanwhile. It holds keys. */
export async function writeWhole(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text, { mode: 0o600 });
  await rename(`${file}.new`, file);
}
