import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectedDevice, connectDevice } from '../../../local/device/connectDevice.js';
import type { Forked } from '../../../local/stack/forkSimulator.js';
import { type Stack, type StackOptions, startStack } from '../../../local/stack/startStack.js';
import { type BalenaSimulator, balenaSimulator } from './balenaSimulator.js';
import { type HubSimulator, hubSimulator } from './hubSimulator.js';
import { type OpsApi, opsApi } from './opsApi.js';
import { printWhenFailed } from './printWhenFailed.js';
import { type ProvisionApi, provisionApi } from './provisionApi.js';
import { type QueueEnd, queueEnd } from './queueEnd.js';
import { type StoredPair, storedPair } from './storedPair.js';

/** The whole system in child processes, and everything that a test does with the system. */
export interface System extends ProvisionApi {
  stack: Stack;
  /** The folder for the state of the system. */
  folder: string;
  /** The output of the processes, without the lines for GET requests. */
  lines: readonly string[];
  balena: BalenaSimulator;
  hub: HubSimulator;
  queue: QueueEnd;
  ops: OpsApi;
  /**
   * Requests a device and waits until the device is provisioned.
   *
   * @returns the uuid
   */
  provisioned(service?: string): Promise<string>;
  /** The variables of the device in a scope, and whether the hub accepts the certificate. */
  credentials(uuid: string, scope?: string): Promise<StoredPair & { accepted: boolean }>;
  /**
   * Connects with the variables of the device in balena, or with another pair.
   *
   * @throws Error if the hub rejects the connection
   */
  connect(uuid: string, pair: StoredPair): Promise<ConnectedDevice>;
}

const ownPolls = 'provision: GET ';

/**
 * Starts a system for one test file, on free ports and with an unthrottled hub. Stopped by `afterAll`. No timer runs, because a timer
 * works at a time of the clock that no test chooses. A suite about a timer names the timer in `timers`.
 */
export async function useSystem(options: Partial<StackOptions> = {}): Promise<System> {
  const folder = await mkdtemp(join(tmpdir(), 'e2e-'));
  const lines: string[] = [];
  const stack = await startStack({
    folder,
    freePorts: true,
    timers: [],
    hub: ['--unthrottled'],
    // The tests read the queue in the same namespace, far more often than an operator does.
    credits: 0,
    // `state` polls, so these lines are left out.
    onLine: (name, line) => line.startsWith(ownPolls) || lines.push(`${name.padEnd(11)} ${line}`),
    ...options,
    // A limit so high that no request waits.
    settings: { IOTHUB_TIER: 'S3', IOTHUB_UNITS: '10', ...options.settings },
  }).catch(async (error) => {
    await rm(folder, { recursive: true });
    throw error;
  });
  const { balena, iotHub, serviceBus } = stack.endpoints;
  if (!balena || !iotHub || !serviceBus) throw new Error('a simulator is missing');
  const ca = await readFile(iotHub.caFile, 'utf8');
  const api = provisionApi(stack.endpoints);
  const [behindBalena, behindHub, queue] = [
    balenaSimulator(balena),
    hubSimulator(iotHub),
    queueEnd(serviceBus),
  ];

  for (const each of [...stack.hosts, ...Object.values(stack.simulators)]) if (each) letGo(each);
  printWhenFailed(lines);
  afterAll(async () => {
    behindHub.close();
    await queue.close();
    await stack.close();
    await rm(folder, { recursive: true });
  });

  return {
    ...api,
    stack,
    folder,
    lines,
    balena: behindBalena,
    hub: behindHub,
    queue,
    ops: opsApi(stack.endpoints),
    async provisioned(service = 'main') {
      const uuid = await behindBalena.newDevice();
      await api.post(uuid, service);
      await api.state(uuid, 'provisioned');
      return uuid;
    },
    async credentials(uuid, scope = 'main') {
      const pair = storedPair(await behindBalena.variables(uuid), scope);
      const thumbprints = await behindHub.thumbprints(uuid);
      return { ...pair, accepted: thumbprints?.includes(pair.thumbprint) ?? false };
    },
    connect: (uuid, { cert, key }) =>
      connectDevice({ uuid, cert, key }, { hostName: `localhost:${iotHub.mqttPort}`, ca }),
  };
}

/** Jest calls no `afterAll` if no test of a file is selected. The processes must not keep Jest alive in this case. */
function letGo({ process: child }: Forked<unknown>): void {
  child.unref();
  child.channel?.unref();
  for (const stream of [child.stdout, child.stderr]) (stream as Socket | null)?.unref();
}
