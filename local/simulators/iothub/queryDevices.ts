import { z } from 'zod';
import type { QueryView } from './createQueryView.js';
import { never, type StoredIdentity } from './deviceIdentity.js';
import { HubError } from './hubError.js';

/** Twins on a page, by default and at most. */
const pageSize = 100;

const queryBody = z.object({ query: z.string() });
const selectAll = /^\s*select\s+\*\s+from\s+devices\s*$/i;
const selectOne = /^\s*select\s+\*\s+from\s+devices\s+where\s+(?:devices\.)?deviceId\s*=\s*'([^']*)'\s*$/i;

export interface QueryResult {
  twins: Array<Record<string, unknown>>;
  /** For the next page; undefined at the end. */
  continuation?: string;
}

/**
 * The two queries that this simulator knows: `SELECT * FROM devices`, and the same for one device id. Answers device twins.
 *
 * @param page of at most so many twins, from after the continuation of the page before
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
    throw new HubError('ArgumentInvalid', 'BadRequest: this simulator does not know that query');

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

/** As the documentation shows one; tags and properties are what a device starts with. */
function twin(identity: StoredIdentity) {
  const { deviceId, etag, status, statusReason, statusUpdatedTime, authentication, capabilities } = identity;
  const { type: authenticationType, x509Thumbprint } = authentication;
  const properties = { $metadata: { $lastUpdated: never }, $version: 1 };
  return {
    deviceId,
    etag,
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
    version: 2,
    properties: { desired: properties, reported: properties },
    capabilities,
  };
}
