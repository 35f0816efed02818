import { randomBytes } from 'node:crypto';
import type { StoredIdentity, WantedIdentity } from './deviceIdentity.js';
import { HubError } from './hubError.js';
import type { DeviceStore } from './openDeviceStore.js';

export interface RegistryOptions {
  store: DeviceStore;
  /** How many devices the hub's tier allows. */
  maxDevices: number;
  /** Called for each change once it is on disk. */
  onChange(change: Change): void;
}

export interface Change {
  deviceId: string;
  what: 'created' | 'updated' | 'deleted';
}

/** The identity registry's operations. They throw HubError as the hub refuses. */
export interface Registry {
  create(wanted: WantedIdentity): StoredIdentity;
  /** @param ifMatch an etag, or `*` for whatever is there */
  update(wanted: WantedIdentity, ifMatch: string): StoredIdentity;
  delete(deviceId: string, ifMatch: string): void;
  get(deviceId: string): StoredIdentity;
  /** Several operations with one write to disk; `run` must not be asynchronous. */
  together<T>(run: () => T): T;
}

/** Microsoft's epoch of .NET ticks (100 ns since the year 1): generation ids look like that. */
const ticks = () => String(621_355_968_000_000_000n + BigInt(Date.now()) * 10_000n);

const newEtag = () => randomBytes(9).toString('base64');

export function createRegistry({ store, maxDevices, onChange }: RegistryOptions): Registry {
  let held: Change[] | undefined;
  const changed = (deviceId: string, what: Change['what']) => {
    if (held) held.push({ deviceId, what });
    else onChange({ deviceId, what });
  };

  const existing = (deviceId: string, ifMatch = '*') => {
    const identity = store.get(deviceId);
    if (!identity) throw new HubError('DeviceNotFound', `Device ${deviceId} not registered`);
    if (ifMatch !== '*' && ifMatch !== identity.etag) {
      throw new HubError('PreconditionFailed', 'Precondition failed: Device version did not match');
    }
    return identity;
  };

  return {
    create(wanted) {
      const { deviceId } = wanted;
      if (store.get(deviceId)) {
        throw new HubError('DeviceAlreadyExists', `A device with ID '${deviceId}' is already registered.`);
      }
      const { enabled, disabled } = store.count();
      if (enabled + disabled >= maxDevices) {
        throw new HubError('TooManyDevices', `Maximum number of devices (${maxDevices}) reached`);
      }
      const statusUpdatedTime = new Date().toISOString();
      const identity = { ...wanted, generationId: ticks(), etag: newEtag(), statusUpdatedTime };
      store.put(identity);
      changed(deviceId, 'created');
      return identity;
    },
    update(wanted, ifMatch) {
      const { deviceId } = wanted;
      const before = existing(deviceId, ifMatch);
      const statusUpdatedTime =
        before.status === wanted.status ? before.statusUpdatedTime : new Date().toISOString();
      const identity = { ...wanted, generationId: before.generationId, etag: newEtag(), statusUpdatedTime };
      store.put(identity);
      changed(deviceId, 'updated');
      return identity;
    },
    delete(deviceId, ifMatch) {
      existing(deviceId, ifMatch);
      store.delete(deviceId);
      changed(deviceId, 'deleted');
    },
    get: (deviceId) => existing(deviceId),
    together(run) {
      const changes: Change[] = [];
      held = changes;
      try {
        return store.together(run);
      } catch (error) {
        changes.length = 0; // None of them is on disk.
        throw error;
      } finally {
        held = undefined;
        changes.forEach(onChange);
      }
    },
  };
}
