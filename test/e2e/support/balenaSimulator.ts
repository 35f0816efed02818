import type { BalenaEndpoints } from '../../../local/simulators/balena/startBalena.js';
import { type SimulatorControl, simulatorControl } from './simulatorControl.js';

/** By place ('' is the device level), then by name. */
export type Variables = Record<string, Record<string, string>>;

/** Control of the balena simulator: its calls are not counted as requests. */
export interface BalenaSimulator extends SimulatorControl {
  /**
   * Adds a new device to the fleet.
   *
   * @returns its uuid
   */
  newDevice(): Promise<string>;
  newDevices(count: number): Promise<string[]>;
  /** Makes sure that all devices of the demo fleet have this service. */
  addService(name: string): Promise<void>;
  removeDevice(uuid: string): Promise<void>;
  /** Installs that are new, or have not come yet, come so late (ms). */
  installsCome(lateMs: number): Promise<void>;
  /** All scopes with variables. */
  variables(uuid: string): Promise<Variables>;
  setVariables(uuid: string, service: string, variables: Record<string, string | null>): Promise<void>;
  /** The variables of the service `main` of the host OS. */
  hostOsVariables(uuid: string): Promise<Record<string, string>>;
  /** Sets variables of the service `main` of the host OS. */
  setHostOsVariables(uuid: string, variables: Record<string, string | null>): Promise<void>;
}

/** The application of the host OS of the demo fleet's devices. */
const hostOs = 'balena_os/raspberrypi4-64';

export function balenaSimulator({ controlUrl, fleet }: BalenaEndpoints): BalenaSimulator {
  const control = simulatorControl(controlUrl);
  const newDevices = async (count: number) => {
    const devices = await control.tell<{ uuid: string }[]>('POST /devices', { count });
    return devices.map(({ uuid }) => uuid);
  };
  return {
    ...control,
    async newDevice() {
      const [uuid] = await newDevices(1);
      if (!uuid) throw new Error('the balena simulator made no device');
      return uuid;
    },
    newDevices,
    addService: (name) => control.tell('POST /fleets', { slug: fleet, services: [name] }),
    installsCome: (lateMs) => control.tell('PUT /installs', { lateMs }),
    removeDevice: (uuid) => control.tell(`DELETE /devices/${uuid}`),
    async variables(uuid) {
      const { variables } = await control.tell<{ variables: Variables }>(`GET /devices/${uuid}`);
      return Object.fromEntries(
        Object.entries(variables).filter(([, there]) => Object.keys(there).length > 0),
      );
    },
    setVariables: (uuid, service, variables) =>
      control.tell(`PUT /devices/${uuid}/variables`, { service, variables }),
    async hostOsVariables(uuid) {
      const { foreignVariables } = await control.tell<{ foreignVariables: Record<string, Variables> }>(
        `GET /devices/${uuid}`,
      );
      return foreignVariables[hostOs]?.main ?? {};
    },
    setHostOsVariables: (uuid, variables) =>
      control.tell(`PUT /devices/${uuid}/variables`, { application: hostOs, service: 'main', variables }),
  };
}
