import { join } from 'node:path';
import type { BalenaEndpoints } from '../simulators/balena/startBalena.js';
import type { IotHubEndpoints } from '../simulators/iothub/startIotHub.js';
import type { BrokerEndpoints } from '../simulators/servicebus/startBroker.js';
import { freePort } from '../simulators/shared/listen.js';
import type { TablesEndpoints } from '../simulators/tables/startTables.js';
import { type Forked, forkSimulator } from './forkSimulator.js';
import { queueArgument, queueDefaults, realSettings } from './settings.js';
import type { StackOptions } from './startStack.js';

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
