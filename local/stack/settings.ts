import { readFile, rename, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Simulators } from './simulators.js';

export type Settings = Record<string, string | undefined>;

export const queue = 'provisioning';

/** The properties of the queue, the same as infra/ sets in Azure. */
export const queueDefaults = { lock: 120, deliveries: 10, window: 600, deadletter: 'yes' } as const;

/** The value of the broker's option `--queue`. */
export function queueArgument(different: { lock?: number; window?: number | string } = {}): string {
  const properties = Object.entries({ ...queueDefaults, ...different });
  return `${queue}:${properties.map((pair) => pair.join('=')).join(',')}`;
}

/** Tells, for each dependency, whether the settings name a real one. A real dependency replaces the simulator. */
export function realSettings(settings: Settings) {
  const any = (...names: string[]) => names.some((name) => settings[name]?.trim());
  return {
    balena: any('BALENA_API_KEY'),
    iotHub: any('IOTHUB_CONNECTION_STRING', 'CONNECTION_STRING', 'IOTHUB_HOST_NAME'),
    serviceBus: any('SERVICEBUS_CONNECTION', 'SERVICEBUS_CONNECTION__fullyQualifiedNamespace'),
    tables: any('RECORDS_CONNECTION', 'RECORDS_CONNECTION__accountName'),
  };
}

/** The settings that make the functions use the simulators. */
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

/** The settings that describe how the functions work. None is a secret. */
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

/**
 * Joins certificate files. Node reads only one file of further certificates, and this machine may already have a file
 * of its own: all certificates go into a new file.
 */
async function trustAlso(caFiles: string[], bundle: string): Promise<string> {
  const already = process.env.NODE_EXTRA_CA_CERTS;
  const files = await Promise.all(
    [...(already ? [already] : []), ...caFiles].map((file) => readFile(file, 'utf8')),
  );
  await writeWhole(bundle, files.join('\n'));
  return resolve(bundle);
}

/**
 * Writes a file in one step: readers never see half a file. The file may hold keys, and only the owner can read the
 * file.
 */
export async function writeWhole(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text, { mode: 0o600 });
  await rename(`${file}.new`, file);
}
