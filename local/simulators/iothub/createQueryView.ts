import type { StoredIdentity } from './deviceIdentity.js';
import type { DeviceStore } from './openDeviceStore.js';

/** The identities as queries see them: by the documentation some minutes behind the registry. */
export interface QueryView extends Pick<DeviceStore, 'get' | 'list'> {
  lagMs(): number;
  /** How long changes stay unseen from now on, milliseconds; 0, as at first: not at all. */
  setLag(ms: number): void;
  /** The store, with what is changed through it remembered for as long as it is unseen. */
  store: DeviceStore;
}

interface Past {
  /** When it was changed. */
  at: number;
  before: StoredIdentity | undefined;
}

export function createQueryView(store: DeviceStore, now: () => number = Date.now): QueryView {
  let lag = 0;
  /** By device id, the oldest first. */
  const pasts = new Map<string, Past[]>();

  function remember(deviceId: string): void {
    if (lag === 0) return;
    const unseen = (pasts.get(deviceId) ?? []).filter(({ at }) => now() - at < lag);
    pasts.set(deviceId, [...unseen, { at: now(), before: store.get(deviceId) }]);
  }
  /** What is still seen of a device that was changed; undefined if queries see it as it is. */
  function unseen(deviceId: string): Past | undefined {
    return pasts.get(deviceId)?.find(({ at }) => now() - at < lag);
  }
  function get(deviceId: string): StoredIdentity | undefined {
    const past = unseen(deviceId);
    return past ? past.before : store.get(deviceId);
  }

  return {
    lagMs: () => lag,
    setLag(ms) {
      lag = ms;
      pasts.clear();
    },
    get,
    list(limit, after = '') {
      const changed = [...pasts.keys()].filter((id) => id > after && unseen(id));
      const ids = new Set([
        ...store.list(limit + changed.length, after).map((each) => each.deviceId),
        ...changed,
      ]);
      return [...ids]
        .sort()
        .map(get)
        .filter((identity) => identity !== undefined)
        .slice(0, limit);
    },
    store: {
      ...store,
      put(identity) {
        remember(identity.deviceId);
        store.put(identity);
      },
      delete(deviceId) {
        remember(deviceId);
        store.delete(deviceId);
      },
    },
  };
}
