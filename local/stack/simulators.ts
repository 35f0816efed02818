import { join } from 'node:path';
import type { BalenaEndpoints } from '../simulators/balena/startBalena.js';
import type { IotHubEndpoints } from '../simulators/iothub/startIotHub.js';
import type { BrokerEndpoints } from '../simulators/servicebus/startBroker.js';
import { freePort } from '../simulators/shared/listen.js';
import type { TablesEndpoints } from '../simulators/tables/startTables.js';
import { type Forked, forkSimulator } from './forkSimulator.js';
import type { StackOptions } from './startStack.js';

/** Null where the real one is used. */
export interface Simulators {
  balena: Forked<BalenaEndpoints> | null;
  iotHub: Forked<IotHubEndpoints> | null;
  serviceBus: Forked<BrokerEndpoints> | null;
  tables: Forked<TablesEndpoints> | null;
}

export type SimulatorName = keyof Simulators;

export type SimulatorStarts = { [N in SimulatorName]: (() => Promise<NonNullable<Simulators[N]>>) | null };

export const queue = 'provisioning';

/** The queue as the broker makes it, and as infra/ has it in Azure. */
export const queueDefaults = { lock: 120, deliveries: 10, window: 600, deadletter: 'yes' } as const;

/** For the broker's `--queue`. */
export function queueArgument(different: { lock?: number; window?: number | string } = {}): string {
  const properties = Object.entries({ ...queueDefaults, ...different });
  return `${queue}:${properties.map((pair) => pair.join('=')).join(',')}`;
}

/**
 * How each simulator is started: always with the same folder, and with `freePorts` on the same ports, so that it can be started again.
 *
 * @param started gets each that was started
 */
export async function simulatorStarts(
  options: StackOptions,
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
        ]),
    tables: real.tables ? null : start<TablesEndpoints>('tables', 'tables', await ports('--port')),
  };
}

type Settings = Record<string, string | undefined>;

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
