import type { BalenaClient, Variable, VariableName } from '../../src/balena/types.js';
import type { HubIdentity, HubRegistry, ThumbprintPair } from '../../src/iothub/types.js';
import { ProvisioningError } from '../../src/shared/errors.js';
import type { EpochMs } from '../../src/shared/time.js';
import type { VirtualTime } from './time.js';

/** A call to the hub or to balena. */
export type CloudCall = 'hub' | 'find' | 'store' | 'other';

/** Balena and the hub: devices, the number of calls, and the times of the registry operations. */
export interface Cloud {
  hub: HubRegistry;
  balena: BalenaClient;
  /** The fleet of each device that balena has. */
  fleets: Map<string, string>;
  identities: Map<string, HubIdentity>;
  /** The variables of each device that has any, in its service. */
  variables: Map<string, Partial<Record<VariableName, Variable>>>;
  /** The moments of all registry operations. */
  operations: EpochMs[];
  /** The requests to balena. */
  requests: number;
  /** Throws, for a device and a call, or does nothing. */
  fault: (uuid: string, call: CloudCall) => Promise<void>;
}

/** The time of a call to balena and of a call to the hub, ms. */
const balenaMs = 150;
const hubMs = 100;

/** Opens balena and the hub. Every device has one service, "main". */
export function openCloud(time: VirtualTime): Cloud {
  const owners = new Map<number, string>();
  const ids = new Map<string, number>();
  const answered = async (uuid: string, call: CloudCall) => {
    if (call === 'hub') cloud.operations.push(time.now());
    else cloud.requests += 1;
    await time.until(time.now() + (call === 'hub' ? hubMs : balenaMs));
    await cloud.fault(uuid, call);
  };
  const ownerOf = (uuid: string) => {
    const id = ids.get(uuid) ?? ids.size + 1;
    ids.set(uuid, id);
    owners.set(id, uuid);
    return id;
  };
  const write = async (uuid: string, thumbprints: ThumbprintPair) => {
    await answered(uuid, 'hub');
    const version = { etag: `${cloud.operations.length}`, properties: null };
    cloud.identities.set(uuid, { thumbprints, isDisabled: false, version });
    return version;
  };
  const put = (ownerId: number, name: VariableName, value: string): Variable => {
    const uuid = owners.get(ownerId) ?? '';
    const variable = { id: ownerId, value };
    cloud.variables.set(uuid, { ...cloud.variables.get(uuid), [name]: variable });
    return variable;
  };
  const cloud: Cloud = {
    fleets: new Map(),
    identities: new Map(),
    variables: new Map(),
    operations: [],
    requests: 0,
    fault: async () => {},
    hub: {
      async get(uuid) {
        await answered(uuid, 'hub');
        return cloud.identities.get(uuid) ?? 'none';
      },
      create: write,
      update: write,
      async remove(uuid) {
        await answered(uuid, 'hub');
        return cloud.identities.delete(uuid) ? 'removed' : 'none';
      },
      ping: () => answered('', 'hub'),
      close() {},
    },
    balena: {
      async findDevice(uuid) {
        await answered(uuid, 'find');
        const fleet = cloud.fleets.get(uuid);
        if (fleet === undefined) return null;
        const variables = cloud.variables.get(uuid) ?? {};
        const main = { ownerId: ownerOf(uuid), variables };
        const scopes = new Map([
          ['', { ownerId: 0, variables: {} }],
          ['main', main],
        ]);
        return { fleet, scopes, foreignServices: [] };
      },
      async seesFleet() {
        await answered('', 'other');
        return true;
      },
      async add(_scope, { ownerId }, name, value) {
        await answered(owners.get(ownerId) ?? '', 'store');
        return put(ownerId, name, value);
      },
      async store(_scope, { ownerId }, name, value) {
        await answered(owners.get(ownerId) ?? '', 'store');
        put(ownerId, name, value);
      },
      async remove(_scope, { id }) {
        await answered(owners.get(id) ?? '', 'store');
        cloud.variables.delete(owners.get(id) ?? '');
      },
      ping: () => answered('', 'other'),
    },
  };
  return cloud;
}

/** A failure of a device's calls. */
export const failures = {
  throttled: () => new ProvisioningError('hub-throttled', '429', { retryAfterMs: 10_000 }),
  timedOut: () =>
    new ProvisioningError('timed-out', 'no answer', { dependency: 'hub', outcomeUnknown: true }),
  unavailable: () => new ProvisioningError('balena-unavailable', '503'),
};
