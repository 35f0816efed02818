import type { Answer, Handle } from '../faults/asked.js';
import { bulkOperation, readBulk } from './bulkOperation.js';
import type { QueryView } from './createQueryView.js';
import type { Registry } from './createRegistry.js';
import type { Throttle } from './createThrottle.js';
import { identityAnswer, type StoredIdentity } from './deviceIdentity.js';
import { HubError } from './hubError.js';
import type { DeviceStore } from './openDeviceStore.js';
import { queryDevices } from './queryDevices.js';
import { checkDeviceId, readIdentity } from './readIdentity.js';

/** Identities in one list, at most. */
const maxList = 1000;

export interface RegistryOperationsOptions {
  registry: Registry;
  store: DeviceStore;
  throttle: Throttle;
  queryThrottle: Throttle;
  queryView: Pick<QueryView, 'get' | 'list'>;
  isConnected(deviceId: string): boolean;
}

/** By HTTP method. */
export type Operations = Record<string, Handle>;

/**
 * What can be done at which path. Each operation passes the throttle before it looks at anything else, but for the size of a bulk
 * call, which is its price. They throw HubError.
 */
export function registryOperations(
  options: RegistryOperationsOptions,
): (path: string) => Operations | undefined {
  const { registry, store, throttle } = options;
  const answer = (identity: StoredIdentity): Answer => ({
    status: 200,
    headers: { etag: `"${identity.etag}"` },
    body: identityAnswer(identity, options.isConnected(identity.deviceId)),
  });

  const devices: Operations = {
    async GET({ query }) {
      const top = Number(query.get('top') ?? maxList);
      if (!Number.isInteger(top) || top < 1 || top > maxList) throw invalid(`top is 1 to ${maxList}`);
      await throttle.take();
      const found = store.list(top);
      return {
        status: 200,
        body: found.map((each) => identityAnswer(each, options.isConnected(each.deviceId))),
      };
    },
    async POST({ body }) {
      const bulk = readBulk(readJson(body));
      await throttle.take(bulk.length);
      return bulkOperation(registry, bulk);
    },
  };
  const query: Operations = {
    async POST({ body, headers }) {
      await options.queryThrottle.take();
      const page = {
        size: header(headers['x-ms-max-item-count']),
        continuation: header(headers['x-ms-continuation']),
      };
      const { twins, continuation } = queryDevices(options.queryView, readJson(body), page);
      return {
        status: 200,
        headers: {
          'x-ms-item-type': 'Twin',
          ...(continuation !== undefined && { 'x-ms-continuation': continuation }),
        },
        body: twins,
      };
    },
  };
  const statistics: Operations = {
    async GET() {
      await throttle.take();
      const { enabled, disabled } = store.count();
      return {
        status: 200,
        body: {
          totalDeviceCount: enabled + disabled,
          enabledDeviceCount: enabled,
          disabledDeviceCount: disabled,
        },
      };
    },
  };
  const device = (id: string): Operations => ({
    async GET() {
      await throttle.take();
      checkDeviceId(id);
      return answer(registry.get(id));
    },
    async PUT({ headers, body }) {
      await throttle.take();
      const wanted = readIdentity(readJson(body), id);
      const ifMatch = headers['if-match'];
      return answer(
        ifMatch === undefined ? registry.create(wanted) : registry.update(wanted, unquote(ifMatch)),
      );
    },
    async DELETE({ headers }) {
      await throttle.take();
      checkDeviceId(id);
      const ifMatch = headers['if-match'];
      if (ifMatch === undefined) throw invalid('If-Match is missing');
      registry.delete(id, unquote(ifMatch));
      return { status: 204 };
    },
  });

  return (path) => {
    if (path === '/devices' || path === '/devices/') return devices;
    if (path === '/devices/query') return query;
    if (path === '/statistics/devices') return statistics;
    const [, id] = /^\/devices\/([^/]+)$/.exec(path) ?? [];
    return id === undefined ? undefined : device(id);
  };
}

function readJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    throw new HubError('IotHubFormatError', 'BadRequest: the body is not JSON');
  }
}

/** The SDK quotes etags, and even the star. */
const unquote = (etag: string) => etag.replace(/^"(.*)"$/, '$1');
const header = (value: string | string[] | undefined) => (Array.isArray(value) ? value[0] : value);
const invalid = (detail: string) => new HubError('ArgumentInvalid', `BadRequest: ${detail}`);
