import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectedDevice, connectDevice } from '../../../local/device/connectDevice.js';
import type { Forked } from '../../../local/stack/forkStandIn.js';
import { type Stack, type StackOptions, startStack } from '../../../local/stack/startStack.js';
import { type BalenaStandIn, balenaStandIn } from './balenaStandIn.js';
import { type HubStandIn, hubStandIn } from './hubStandIn.js';
import { type OpsApi, opsApi } from './opsApi.js';
import { printWhenFailed } from './printWhenFailed.js';
import { type ProvisionApi, provisionApi } from './provisionApi.js';
import { type QueueEnd, queueEnd } from './queueEnd.js';
import { type StoredPair, storedPair } from './storedPair.js';

/** The whole system in processes of its own, and everything that a test does with it. */
export interface System extends ProvisionApi {
  stack: Stack;
  /** Where it keeps its state. */
  folder: string;
  /** What its processes have printed, but for the answers to GET. */
  lines: readonly string[];
  balena: BalenaStandIn;
  hub: HubStandIn;
  queue: QueueEnd;
  ops: OpsApi;
  /** A device that was asked for and is provisioned. @returns its uuid */
  provisioned(service?: string): Promise<string>;
  /** What balena holds for it at a place, and the hub accepts. */
  credentials(uuid: string, scope?: string): Promise<StoredPair & { accepted: boolean }>;
  /** Connects with what balena holds, or a pair of one's own. @throws Error if the hub does not let it in */
  connect(uuid: string, pair: StoredPair): Promise<ConnectedDevice>;
}

const ownPolls = 'provision: GET ';

/** A system for one test file, on free ports and with a hub that does not throttle. Stopped by `afterAll`. */
export async function useSystem(options: Partial<StackOptions> = {}): Promise<System> {
  const folder = await mkdtemp(join(tmpdir(), 'e2e-'));
  const lines: string[] = [];
  const stack = await startStack({
    folder,
    freePorts: true,
    hub: ['--unthrottled'],
    // What `state` asks, again and again, is no news.
    onLine: (name, line) => line.startsWith(ownPolls) || lines.push(`${name.padEnd(11)} ${line}`),
    ...options,
    // So fast that the pace is never waited for.
    settings: { IOTHUB_TIER: 'S3', IOTHUB_UNITS: '10', ...options.settings },
  }).catch(async (error) => {
    await rm(folder, { recursive: true });
    throw error;
  });
  const { balena, iotHub, serviceBus } = stack.endpoints;
  if (!balena || !iotHub || !serviceBus) throw new Error('a stand-in is missing');
  const ca = await readFile(iotHub.caFile, 'utf8');
  const api = provisionApi(stack.endpoints);
  const [behindBalena, behindHub, queue] = [balenaStandIn(balena), hubStandIn(iotHub), queueEnd(serviceBus)];

  for (const each of [...stack.hosts, ...Object.values(stack.standIns)]) if (each) letGo(each);
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

/** Where no test of a file is selected Jest calls no `afterAll`: so that it can end all the same, and these with it. */
function letGo({ process: child }: Forked<unknown>): void {
  child.unref();
  child.channel?.unref();
  for (const stream of [child.stdout, child.stderr]) (stream as Socket | null)?.unref();
}
