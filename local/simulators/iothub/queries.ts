import { z } from 'zod';
import { HubError } from './hubError.js';
import { never, type StoredIdentity } from './identity.js';
import { type DeviceStore, twinEtag } from './registry.js';

/** Default and largest number of twins on a page. */
const pageSize = 100;

const queryBody = z.object({ query: z.string() });
const selectAll = /^\s*select\s+\*\s+from\s+devices\s*$/i;
const selectOne = /^\s*select\s+\*\s+from\s+devices\s+where\s+(?:devices\.)?deviceId\s*=\s*'([^']*)'\s*$/i;

export interface QueryResult {
  twins: Array<Record<string, unknown>>;
  /** Start of the next page; undefined on the last page. */
  continuation?: string;
}

/**
 * Answers a query with device twins. Two queries are supported: `SELECT * FROM devices`, and the same for one device
 * id.
 *
 * @param page largest number of twins, and the continuation of the page before
 * @throws HubError 400 for any other query
 */
export function queryDevices(
  view: Pick<QueryView, 'get' | 'list'>,
  body: unknown,
  page: { size?: string; continuation?: string },
): QueryResult {
  const parsed = queryBody.safeParse(body);
  if (!parsed.success)
    throw new HubError('ArgumentInvalid', 'BadRequest: send {"query": "SELECT * FROM devices"}');
  const { query } = parsed.data;
  const [, deviceId] = selectOne.exec(query) ?? [];
  if (deviceId !== undefined) {
    const identity = view.get(deviceId);
    return { twins: identity ? [twin(identity)] : [] };
  }
  if (!selectAll.test(query))
    throw new HubError('ArgumentInvalid', 'BadRequest: this simulator does not support the query');

  const size = Number(page.size ?? pageSize);
  if (!Number.isInteger(size) || size < 1)
    throw new HubError('ArgumentInvalid', 'BadRequest: x-ms-max-item-count');
  const limit = Math.min(size, pageSize);
  const after = page.continuation ? Buffer.from(page.continuation, 'base64url').toString() : '';
  const found = view.list(limit + 1, after);
  const shown = found.slice(0, limit);
  const last = shown.at(-1);
  return {
    twins: shown.map(twin),
    continuation: found.length > limit && last ? Buffer.from(last.deviceId).toString('base64url') : undefined,
  };
}

/** A twin in the form of the documentation. The properties are the values of a new device. */
export function twin(identity: StoredIdentity) {
  const { deviceId, etag, status, statusReason, statusUpdatedTime, authentication, capabilities } = identity;
  const { type: authenticationType, x509Thumbprint } = authentication;
  const properties = { $metadata: { $lastUpdated: never }, $version: 1 };
  return {
    deviceId,
    etag: twinEtag(identity),
    deviceEtag: etag,
    status,
    statusReason,
    statusUpdateTime: statusUpdatedTime,
    connectionState: 'Disconnected',
    lastActivityTime: never,
    cloudToDeviceMessageCount: 0,
    authenticationType,
    x509Thumbprint,
    modelId: '',
    version: identity.twinVersion,
    ...(Object.keys(identity.tags).length > 0 && { tags: identity.tags }),
    properties: { desired: properties, reported: properties },
    capabilities,
  };
}

/** The identities as queries show them. Real queries lag some minutes behind the registry, by the documentation. */
export interface QueryView extends Pick<DeviceStore, 'get' | 'list'> {
  lagMs(): number;
  /** Delay until queries show a change, milliseconds. 0 (at first): no delay. */
  setLag(ms: number): void;
  /** The store. Changes through this store stay hidden from queries for the delay. */
  store: DeviceStore;
}

interface Past {
  /** Time of the change. */
  at: number;
  before: StoredIdentity | undefined;
}

export function createQueryView(store: DeviceStore, now: () => number = Date.now): QueryView {
  let lag = 0;
  /** Changes by device id, oldest first. */
  const pasts = new Map<string, Past[]>();

  function remember(deviceId: string): void {
    if (lag === 0) return;
    const unseen = (pasts.get(deviceId) ?? []).filter(({ at }) => now() - at < lag);
    pasts.set(deviceId, [...unseen, { at: now(), before: store.get(deviceId) }]);
  }
  /** The oldest change of a device that queries do not show yet; undefined if queries show the current state. */
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
