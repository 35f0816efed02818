import { z } from 'zod';
import type { Answer, Handle } from '../shared/requests.js';
import { HubError } from './hubError.js';
import { checkDeviceId, identityAnswer, readIdentity, type StoredIdentity } from './identity.js';
import { type QueryView, queryDevices, twin } from './queries.js';
import { type DeviceStore, type Registry, twinEtag } from './registry.js';
import type { Throttle } from './throttle.js';

/** Largest number of identities in a list. */
const maxList = 1000;

export interface RegistryOperationsOptions {
  registry: Registry;
  store: DeviceStore;
  throttle: Throttle;
  queryThrottle: Throttle;
  queryView: Pick<QueryView, 'get' | 'list'>;
  isConnected(deviceId: string): boolean;
}

/** Operations by HTTP method. */
export type Operations = Record<string, Handle>;

/**
 * Finds the operations of a path. Each operation first passes the throttle and then checks the request. Only a bulk
 * call is read before, because the number of devices is the price. The operations throw HubError.
 */
export function registryOperations(
  options: RegistryOperationsOptions,
): (path: string) => Operations | undefined {
  const [devices, query, statistics] = [listAndBulk(options), queries(options), statisticsOf(options)];
  return (path) => {
    if (path === '/devices' || path === '/devices/') return devices;
    if (path === '/devices/query') return query;
    if (path === '/statistics/devices') return statistics;
    const [, collection, id] = /^\/(devices|twins)\/([^/]+)$/.exec(path) ?? [];
    if (id === undefined) return undefined;
    return collection === 'twins' ? oneTwin(options, id) : oneDevice(options, id);
  };
}

function listAndBulk({ registry, store, throttle, isConnected }: RegistryOperationsOptions): Operations {
  return {
    async GET({ query }) {
      const top = Number(query.get('top') ?? maxList);
      if (!Number.isInteger(top) || top < 1 || top > maxList) throw invalid(`top is 1 to ${maxList}`);
      await throttle.take();
      const found = store.list(top);
      return { status: 200, body: found.map((each) => identityAnswer(each, isConnected(each.deviceId))) };
    },
    async POST({ body }) {
      const bulk = readBulk(readJson(body));
      await throttle.take(bulk.length);
      return bulkOperation(registry, bulk);
    },
  };
}

function queries({ queryThrottle, queryView }: RegistryOperationsOptions): Operations {
  return {
    async POST({ body, headers }) {
      await queryThrottle.take();
      const page = {
        size: header(headers['x-ms-max-item-count']),
        continuation: header(headers['x-ms-continuation']),
      };
      const { twins, continuation } = queryDevices(queryView, readJson(body), page);
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
}

function statisticsOf({ store, throttle }: RegistryOperationsOptions): Operations {
  return {
    async GET() {
      await throttle.take();
      const { enabled, disabled } = store.count();
      const body = {
        totalDeviceCount: enabled + disabled,
        enabledDeviceCount: enabled,
        disabledDeviceCount: disabled,
      };
      return { status: 200, body };
    },
  };
}

function oneDevice({ registry, throttle, isConnected }: RegistryOperationsOptions, id: string): Operations {
  const answer = (identity: StoredIdentity): Answer => ({
    status: 200,
    headers: { etag: `"${identity.etag}"` },
    body: identityAnswer(identity, isConnected(identity.deviceId)),
  });
  return {
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
  };
}

/**
 * Reads a twin and changes its tags. The hub counts twin operations apart from registry operations, and allows 50 a second or more;
 * the simulator does not limit them.
 */
function oneTwin({ registry }: RegistryOperationsOptions, id: string): Operations {
  const answer = (identity: StoredIdentity): Answer => ({
    status: 200,
    headers: { etag: `"${twinEtag(identity)}"` },
    body: twin(identity),
  });
  return {
    async GET() {
      checkDeviceId(id);
      return answer(registry.get(id));
    },
    async PATCH({ headers, body }) {
      checkDeviceId(id);
      const parsed = tagsBody.safeParse(readJson(body));
      if (!parsed.success) throw invalid('this simulator changes tags only');
      return answer(registry.tag(id, parsed.data.tags, unquote(headers['if-match'] ?? '*')));
    },
  };
}

const tagsBody = z.strictObject({ tags: z.record(z.string(), z.unknown()) });

function readJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    throw new HubError('IotHubFormatError', 'BadRequest: the body is not JSON');
  }
}

/** The SDK puts etags, and even the star, into quotation marks. */
const unquote = (etag: string) => etag.replace(/^"(.*)"$/, '$1');
const header = (value: string | string[] | undefined) => (Array.isArray(value) ? value[0] : value);
const invalid = (detail: string) => new HubError('ArgumentInvalid', `BadRequest: ${detail}`);

/** Largest number of devices in a bulk call. */
export const maxBulk = 100;

const modes = ['create', 'update', 'updateIfMatchETag', 'delete', 'deleteIfMatchETag'] as const;
type Mode = (typeof modes)[number];

const entries = z.array(
  z.looseObject({ id: z.string(), importMode: z.string(), etag: z.string().nullish() }),
);
type Entry = z.infer<typeof entries>[number];

/** @throws HubError 400 if the body is not an array, is empty, is too long, or contains a device twice */
export function readBulk(body: unknown): Entry[] {
  const parsed = entries.safeParse(body);
  if (!parsed.success)
    throw new HubError('ArgumentInvalid', 'BadRequest: send an array of devices with id and importMode');
  const { length } = parsed.data;
  if (length === 0 || length > maxBulk) {
    throw new HubError('ArgumentInvalid', `BadRequest: ${length} devices, allowed are 1 to ${maxBulk}`);
  }
  if (new Set(parsed.data.map(({ id }) => id)).size < length) {
    throw new HubError('DeviceDefinedMultipleTimes', 'BadRequest: a device is defined more than once');
  }
  return parsed.data;
}

/**
 * Executes a bulk call as far as possible, and lists the failures. The status is 200 without failures, else 400. By
 * the documentation, 200 is possible for a partial failure too: callers have to read `isSuccessful` and `errors` in
 * either case.
 */
export function bulkOperation(registry: Registry, bulk: Entry[]): Answer {
  const errors: Array<{ deviceId: string; errorCode: string; errorStatus: string }> = [];
  registry.together(() => {
    for (const entry of bulk) {
      try {
        apply(registry, entry);
      } catch (error) {
        if (!(error instanceof HubError)) throw error;
        errors.push({ deviceId: entry.id, errorCode: error.code, errorStatus: error.message });
      }
    }
  });
  const isSuccessful = errors.length === 0;
  return { status: isSuccessful ? 200 : 400, body: { isSuccessful, errors, warnings: [] } };
}

function apply(registry: Registry, { id, importMode, etag, ...rest }: Entry): void {
  const mode = modes.find((each) => each.toLowerCase() === importMode.toLowerCase());
  if (!mode) throw new HubError('ArgumentInvalid', `BadRequest: importMode ${importMode} is not supported`);
  const ifMatch = withEtag(mode) ? (etag ?? '') : '*';
  checkDeviceId(id);
  if (mode === 'create') registry.create(readIdentity({ ...rest, deviceId: id }, id));
  else if (mode.startsWith('update')) registry.update(readIdentity({ ...rest, deviceId: id }, id), ifMatch);
  else registry.delete(id, ifMatch);
}

const withEtag = (mode: Mode) => mode.endsWith('ETag');
