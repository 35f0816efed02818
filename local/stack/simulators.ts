import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { BalenaEndpoints } from '../simulators/balena/startBalena.js';
import type { IotHubEndpoints } from '../simulators/iothub/startIotHub.js';
import type { BrokerEndpoints } from '../simulators/servicebus/startBroker.js';
import { freePort, writeWhole } from '../simulators/shared/loopback.js';
import type { TablesEndpoints } from '../simulators/tables/startTables.js';
import { type Forked, forkSimulator } from './forkSimulator.js';

export type Settings = Record<string, string | undefined>;

export interface SimulatorOptions {
  /** The folder of all state. */
  folder: string;
  /**
   * Settings of the functions, in addition to the addresses of the simulators. Real dependencies in these settings are
   * used instead of simulators.
   */
  settings?: Settings;
  /** Take only free ports, for tests. Default: the usual ports, and a free port where the usual port is in use. */
  freePorts?: boolean;
  /** Least number of devices in the demo fleet. */
  devices?: number;
  /** Arguments for the hub, for example `--units 10` or `--unthrottled`. */
  hub?: string[];
  /** The credits of the queue's namespace for each second; 0: no limit. Default: as in the standard tier of Service Bus. */
  credits?: number;
  /** Lock duration of the queue, seconds. */
  lockSeconds?: number;
  /** Called with each line that a process prints. */
  onLine(name: string, line: string): void;
}

/** Null for a real dependency. */
export interface Simulators {
  balena: Forked<BalenaEndpoints> | null;
  iotHub: Forked<IotHubEndpoints> | null;
  serviceBus: Forked<BrokerEndpoints> | null;
  tables: Forked<TablesEndpoints> | null;
}

export type SimulatorName = keyof Simulators;

export type SimulatorStarts = { [N in SimulatorName]: (() => Promise<NonNullable<Simulators[N]>>) | null };

/**
 * Makes the start function of each simulator. Each start uses the same folder and, with `freePorts`, the same ports. A
 * simulator can therefore be restarted.
 *
 * @param started gets an entry for each start
 */
export async function simulatorStarts(
  options: SimulatorOptions,
  started: Forked<unknown>[],
): Promise<SimulatorStarts> {
  const { folder, settings = {}, onLine, freePorts } = options;
  const real = realSettings(settings);
  const ports = async (...names: string[]) => {
    if (!freePorts) return ['--or-free-port'];
    const chosen = await Promise.all(names.map(async (name) => [name, String(await freePort())]));
    return chosen.flat();
  };
  const start =
    <E>(name: string, entry: string, args: string[]) =>
    async (): Promise<Forked<E>> => {
      const forked = await forkSimulator<E>({
        name,
        entry: `local/simulators/${entry}/main.js`,
        args: ['--folder', join(folder, entry), ...args],
        env: process.env,
        onLine,
      });
      started.push(forked);
      return forked;
    };
  const { lockSeconds: lock = queueDefaults.lock } = options;
  const window = settings.DUPLICATE_WINDOW_SECONDS ?? queueDefaults.window;
  const devices = String(options.devices ?? 1);
  const hubPorts = await ports('--https-port', '--mqtt-port');
  return {
    balena: real.balena
      ? null
      : start<BalenaEndpoints>('balena', 'balena', [...(await ports('--port')), '--devices', devices]),
    iotHub: real.iotHub
      ? null
      : start<IotHubEndpoints>('iot hub', 'iothub', [...hubPorts, ...(options.hub ?? [])]),
    serviceBus: real.serviceBus
      ? null
      : start<BrokerEndpoints>('service bus', 'servicebus', [
          ...(await ports('--port')),
          '--queue',
          queueArgument({ lock, window }),
          ...(options.credits === undefined ? [] : ['--credits', String(options.credits)]),
        ]),
    tables: real.tables ? null : start<TablesEndpoints>('tables', 'tables', await ports('--port')),
  };
}

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
  'CA_CERTIFICATE',
  'CA_FILE',
  'CA_KEY_VAULT_KEY',
  'CERT_DAYS',
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
  await writeWhole(bundle, files.join('\n'), 0o600);
  return resolve(bundle);
}
