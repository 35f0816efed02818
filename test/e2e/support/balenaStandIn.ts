import type { BalenaEndpoints } from '../../../local/balena/startBalena.js';
import { type StandInControl, standInControl } from './standInControl.js';

/** By place ('' is the device level), then by name. */
export type Variables = Record<string, Record<string, string>>;

/** The stand-in for balena, seen from behind: nothing of this counts as a request. */
export interface BalenaStandIn extends StandInControl {
  /** A new device of the fleet. @returns its uuid */
  newDevice(): Promise<string>;
  removeDevice(uuid: string): Promise<void>;
  /** All places that have variables. */
  variables(uuid: string): Promise<Variables>;
  setVariables(uuid: string, service: string, variables: Record<string, string | null>): Promise<void>;
}

export function balenaStandIn({ controlUrl }: BalenaEndpoints): BalenaStandIn {
  const control = standInControl(controlUrl);
  return {
    ...control,
    async newDevice() {
      const [device] = await control.tell<{ uuid: string }[]>('POST /devices', {});
      if (!device) throw new Error('the stand-in for balena made no device');
      return device.uuid;
    },
    removeDevice: (uuid) => control.tell(`DELETE /devices/${uuid}`),
    async variables(uuid) {
      const { variables } = await control.tell<{ variables: Variables }>(`GET /devices/${uuid}`);
      return Object.fromEntries(
        Object.entries(variables).filter(([, there]) => Object.keys(there).length > 0),
      );
    },
    setVariables: (uuid, service, variables) =>
      control.tell(`PUT /devices/${uuid}/variables`, { service, variables }),
  };
}
