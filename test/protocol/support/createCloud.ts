import type { VariableName } from '../../../src/balena/types.js';
import type { Credentials } from '../../../src/certificates/mint.js';
import type { VariableScope } from '../../../src/device/record.js';
import type { ThumbprintPair } from '../../../src/iothub/types.js';
import { pairOf, thumbprintOfValue } from './certificates.js';
import { uuids } from './devices.js';

/** Where variables can be: the device level and two services. A service 'x' does not exist. */
export const scopes: readonly VariableScope[] = ['', 'a', 'b'];

export interface CloudDevice {
  readonly uuid: string;
  /** Balena does not know it any more. */
  gone: boolean;
  /** Somebody changed something behind our back. */
  tampered: boolean;
  /** Its record was lost. */
  recordLost: boolean;
  /** Its worker dies of it. */
  poison: boolean;
  /** What the hub holds: two thumbprints, or an identity of another kind. */
  identity: ThumbprintPair | 'other' | null;
  /** The operator has disabled the identity. */
  disabled: boolean;
  /** Changes with every change of the identity. */
  etag: number;
  variables: Map<VariableScope, Map<VariableName, { id: number; value: string }>>;
  /** How often a letter of it was sent again by hand. */
  byHand: number;
  minted: number;
}

export type Cloud = ReturnType<typeof createCloud>;

/** What stands outside of us, in balena and in the hub. */
export function createCloud() {
  let lastRow = 0;
  const devices = new Map<string, CloudDevice>(
    uuids.map((uuid) => [
      uuid,
      {
        uuid,
        gone: false,
        tampered: false,
        recordLost: false,
        poison: false,
        identity: null,
        disabled: false,
        etag: 0,
        variables: new Map(scopes.map((scope) => [scope, new Map()])),
        byHand: 0,
        minted: 0,
      },
    ]),
  );
  return {
    devices,
    device: (uuid: string) => devices.get(uuid)!,
    nextRow() {
      lastRow += 1;
      return lastRow;
    },
    mint(uuid: string): Credentials {
      const device = devices.get(uuid)!;
      device.minted += 1;
      return pairOf(uuid, device.minted - 1);
    },
  };
}

/** The thumbprint of the device's pair that stands whole at a place. */
export function wholePairAt({ uuid, variables }: CloudDevice, scope: VariableScope): string | null {
  const rows = variables.get(scope);
  const certificate = thumbprintOfValue(uuid, rows?.get('AZURE_CERT')?.value);
  const key = thumbprintOfValue(uuid, rows?.get('AZURE_PRIVATE_KEY')?.value);
  return certificate !== null && certificate === key ? certificate : null;
}

/** Places where anything of ours stands. */
export function scopesWithOurs({ uuid, variables }: CloudDevice): VariableScope[] {
  return scopes.filter((scope) =>
    [...(variables.get(scope)?.values() ?? [])].some(({ value }) => thumbprintOfValue(uuid, value) !== null),
  );
}

export function hubAccepts({ identity }: CloudDevice, thumbprint: string): boolean {
  return Array.isArray(identity) && identity.includes(thumbprint);
}
