import type { VariableName } from '../../../src/balena/types.js';
import type { Credentials } from '../../../src/certificates/mint.js';
import type { VariableScope } from '../../../src/device/record.js';
import type { ThumbprintPair } from '../../../src/iothub/types.js';
import { pairOf, thumbprintOfValue } from './certificates.js';
import type { Process } from './createWorld.js';
import { uuids } from './devices.js';

/** The scopes: the device level and two services. A service 'x' does not exist. */
export const scopes: readonly VariableScope[] = ['', 'a', 'b'];

export interface CloudDevice {
  readonly uuid: string;
  /** Until this time (true time, ms) balena does not have the device, or has none of its services. */
  late: { what: 'device' | 'services'; until: number } | null;
  /** The device was deleted in balena. */
  gone: boolean;
  /** A check was requested after the device was deleted, and the caller was told so. */
  checkedSinceGone: boolean;
  /** Another program changed something. */
  tampered: boolean;
  /** When another program last changed the variables (true time, ms). */
  variablesChangedAt: number;
  /** The record was lost, or replaced by an older version. */
  recordLost: boolean;
  /** The run that held the lease when the record was lost; null once the record was made again. */
  lostDuringRun: string | null;
  /** The device kills its worker. */
  poison: boolean;
  /** The key may read the device and not write its variables. */
  readOnly: boolean;
  /** In one run the key saw the fleet and not the device. */
  hidden: boolean;
  /** Runs in a row or not: the key saw neither the device nor the fleet. */
  blindRuns: number;
  /** The number of times at which a worker died, stalled, was slow, got no answer, or wrote without effect, during work on the device. */
  trouble: number;
  /** Processes with a late call: after a pause between the check of the time and the call, the process had no lease any more. */
  lateCallers: Process[];
  /** The identity in the hub: two thumbprints, or another kind of identity. */
  identity: ThumbprintPair | 'other' | null;
  /** The operator has disabled the identity. */
  disabled: boolean;
  /** A call to change the identity was made under the present lease. */
  hubChanging: boolean;
  /** Changes with every change of the identity. */
  etag: number;
  variables: Map<VariableScope, Map<VariableName, { id: number; value: string }>>;
  /** The number of permitted replays by operators. */
  byHand: number;
  minted: number;
  ownKey: OwnKeyOfDevice;
}

/** The own keys of a device, from the device's point of view. */
export interface OwnKeyOfDevice {
  /** The thumbprints of the requested certificates, the newest last. */
  requested: string[];
  /** The number of certificates that the device has signed, counted with two for each further certificate request. */
  made: number;
  /** The keys of all own certificates, by thumbprint. */
  keys: Map<string, string>;
  /** The number of certificate requests, and of signatures of the CA. */
  csrs: number;
  signatures: number;
  /** The certificates of the CA that the record has held. */
  recorded: Set<string>;
  /** The certificate of the CA that the device has read, and uses. Null if there is none, or if something else was requested since. */
  inUse: string | null;
  /** The device has said that it uses an own certificate, and the hub accepted that one. */
  shown: boolean;
  /** The own certificate that the device uses, as its last request said; null if it did not say. */
  said: string | null;
  /** When the hub first accepted an own certificate (true time, ms). */
  acceptedAt: number | null;
}

export type Cloud = ReturnType<typeof createCloud>;

/** The state of balena and of the hub. */
export function createCloud() {
  let lastRow = 0;
  const devices = new Map<string, CloudDevice>(
    uuids.map((uuid) => [
      uuid,
      {
        uuid,
        late: null,
        gone: false,
        checkedSinceGone: false,
        tampered: false,
        variablesChangedAt: Number.NEGATIVE_INFINITY,
        recordLost: false,
        lostDuringRun: null,
        poison: false,
        readOnly: false,
        hidden: false,
        blindRuns: 0,
        trouble: 0,
        lateCallers: [],
        identity: null,
        disabled: false,
        hubChanging: false,
        etag: 0,
        variables: new Map(scopes.map((scope) => [scope, new Map()])),
        byHand: 0,
        minted: 0,
        ownKey: {
          ...{ requested: [], shown: false, said: null, acceptedAt: null, inUse: null },
          ...{ keys: new Map(), made: 0, csrs: 0, signatures: 0, recorded: new Set() },
        },
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

/** The thumbprint of the device's pair in a scope; null if the scope has no whole pair. */
export function wholePairAt({ uuid, variables }: CloudDevice, scope: VariableScope): string | null {
  const rows = variables.get(scope);
  const certificate = thumbprintOfValue(uuid, rows?.get('AZURE_CERT')?.value);
  const key = thumbprintOfValue(uuid, rows?.get('AZURE_PRIVATE_KEY')?.value);
  return certificate !== null && certificate === key ? certificate : null;
}

/** Scopes with a variable of ours. */
export function scopesWithOurs({ uuid, variables }: CloudDevice): VariableScope[] {
  return scopes.filter((scope) =>
    [...(variables.get(scope)?.values() ?? [])].some(({ value }) => thumbprintOfValue(uuid, value) !== null),
  );
}

export function hubAccepts({ identity }: CloudDevice, thumbprint: string): boolean {
  return Array.isArray(identity) && identity.includes(thumbprint);
}
