import { chmod, mkdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { readConfig } from '../../src/config/config.js';
import { type TimerName, timerNames } from '../../src/storage/timerRuns.js';
import type { HostEndpoints } from '../simulators/functions-host/startHost.js';
import { freePort, writeWhole } from '../simulators/shared/loopback.js';
import { checkExtraCertificates } from '../simulators/shared/runSimulator.js';
import { type Endpoints, functionKeys } from './Endpoints.js';
import { type Forked, forkSimulator } from './forkSimulator.js';
import { localCaFile } from './localCa.js';
import { projectFolder } from './projectFolder.js';
import {
  queue,
  type Settings,
  type SimulatorName,
  type SimulatorOptions,
  type SimulatorStarts,
  type Simulators,
  sharedSettingsOf,
  simulatorSettings,
  simulatorStarts,
} from './simulators.js';

export interface StackOptions extends SimulatorOptions {
  /** Delete all state first. */
  fresh?: boolean;
  /** Port of the functions. Default: the usual port, or a free port if the usual port is in use. */
  port?: number | undefined;
  /** The socket that answers as long as the system runs, for the CLI. */
  claim?: string;
  /** The folder of the built functions. Default: this project. */
  appFolder?: string;
  /** `all` is a host with everything; `http` and `worker` are hosts with a part. Empty: no host. Default: `all`. */
  hosts?: ('all' | 'http' | 'worker')[];
  /** The timers that run. Default: all. */
  timers?: readonly TimerName[];
}

/** The usual port of the functions. */
export const usualPort = 7071;

/** The settings that infra/main.bicep gives to the platform, and that the local host reads, too. */
const platformSettings: Settings = { FUNCTIONS_REQUEST_BODY_SIZE_LIMIT: '65536' };

/** A whole system on this machine. */
export interface Stack {
  endpoints: Endpoints;
  simulators: Simulators;
  hosts: Forked<HostEndpoints>[];
  /**
   * Starts a further host, or restarts a stopped host. `settings` are added to the settings of the stack. `app` is the folder of
   * other functions than those of the stack, for example of another version.
   */
  startHost(
    part: 'all' | 'http' | 'worker',
    settings?: Settings,
    app?: string,
  ): Promise<Forked<HostEndpoints>>;
  /**
   * Restarts a simulator after its end, with the same folder and, with `freePorts`, on the same ports. The address of
   * the control server changes: see `simulators`.
   */
  restart(name: SimulatorName): Promise<void>;
  /** Stops everything, in order. */
  close(): Promise<void>;
}

/**
 * Starts the whole system: first the four simulators, then the functions in the local host, each in a process of its
 * own.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const { folder, settings = {}, appFolder = projectFolder(), onLine } = options;
  await checkExtraCertificates();
  if (options.fresh) await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  // The state has keys, and private keys of devices. An earlier run may have made the folder with other rights.
  await chmod(folder, 0o700);
  const keysFile = join(folder, 'keys.json');
  const keys = await functionKeys(keysFile);
  const started: Forked<unknown>[] = [];
  const close = async () => {
    // The hosts stop first, because draining hosts need the simulators.
    for (const each of started.splice(0).reverse()) await each.stop();
  };

  try {
    const starts = await simulatorStarts(options, started);
    const simulators = await startSimulators(starts);
    const restart = async <N extends SimulatorName>(name: N) => {
      await simulators[name]?.ended;
      simulators[name] = ((await starts[name]?.()) ?? null) as Simulators[N];
    };
    const env = {
      ...platformSettings,
      // A CA that the settings name is used instead.
      ...(!(settings.CA_KEY_VAULT_KEY ?? process.env.CA_KEY_VAULT_KEY) && {
        CA_FILE: resolve(await localCaFile(folder)),
      }),
      ...process.env,
      ...withoutTimers(options.timers ?? timerNames),
      ...settings,
      ...(await simulatorSettings(simulators, folder)),
    };
    const endpoints: Endpoints = {
      settings: sharedSettingsOf(env),
      functions: { url: '', ...keys },
      ...(simulators.serviceBus && { serviceBus: { ...simulators.serviceBus.endpoints, queue } }),
      ...(simulators.tables && { tables: simulators.tables.endpoints }),
      ...(simulators.iotHub && { iotHub: simulators.iotHub.endpoints }),
      ...(simulators.balena && { balena: simulators.balena.endpoints }),
    };
    const hosts: Forked<HostEndpoints>[] = [];
    const startHost = async (part: 'all' | 'http' | 'worker', more: Settings = {}, app = appFolder) => {
      // A restarted HTTP host keeps its address.
      const port = endpoints.functions.url
        ? new URL(endpoints.functions.url).port
        : String(options.freePorts ? await freePort() : (options.port ?? usualPort));
      const only = part === 'all' ? [] : ['--only', part];
      // A port that the caller has chosen is used, or the start fails.
      const orFree = options.port === undefined ? ['--or-free-port'] : [];
      const host = await forkSimulator<HostEndpoints>({
        name: part === 'all' ? 'functions' : part,
        entry: 'local/simulators/functions-host/main.js',
        args: ['--app', app, '--port', port, ...orFree, '--keys', keysFile, '--state', folder, ...only],
        env: { ...env, ...more },
        onLine,
      });
      started.push(host);
      if (host.endpoints.fault !== undefined)
        throw new Error(`the host has no functions: ${host.endpoints.fault}`);
      hosts.push(host);
      if (host.endpoints.url) endpoints.functions.url = host.endpoints.url;
      return host;
    };
    // A host starts with wrong settings, too, as in Azure. On this machine one clear message is better.
    readConfig(env);
    for (const part of options.hosts ?? ['all']) await startHost(part);
    await writeWhole(
      join(folder, 'endpoints.json'),
      JSON.stringify({ ...endpoints, claim: options.claim }, null, 2),
      0o600,
    );
    return { endpoints, simulators, hosts, startHost, restart, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The settings that switch all timers off, except these. */
function withoutTimers(running: readonly TimerName[]): Settings {
  const off = timerNames.filter((name) => !running.includes(name));
  return Object.fromEntries(off.map((name) => [`AzureWebJobs_${name}_Disabled`, 'true']));
}

async function startSimulators(starts: SimulatorStarts): Promise<Simulators> {
  // Wait for all starts, even after a failure: `started` is then complete and every started process can be stopped.
  const [balena, iotHub, serviceBus, tables] = await Promise.allSettled([
    starts.balena?.() ?? null,
    starts.iotHub?.() ?? null,
    starts.serviceBus?.() ?? null,
    starts.tables?.() ?? null,
  ]);
  const value = <E>(result: PromiseSettledResult<E>): E => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  };
  return {
    balena: value(balena),
    iotHub: value(iotHub),
    serviceBus: value(serviceBus),
    tables: value(tables),
  };
}
