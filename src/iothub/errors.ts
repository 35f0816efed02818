import { ProvisioningError, type ProvisioningErrorOptions } from '../shared/errors.js';
import { isCredentialError } from '../shared/managedIdentity.js';
import { CallTimeout, neverSent, parseRetryAfter } from '../shared/network.js';

/** The statuses by which the hub rejects the content of a request. */
const finalStatuses = new Set([400, 413, 422]);

interface HttpTransportError {
  response?: { statusCode?: number; headers?: Record<string, string | string[] | undefined> };
  responseBody?: string;
}

/** Whether the hub already has an identity with this name. The SDK leaves `code` unset, so the status decides. */
export function isExisting(error: unknown): boolean {
  return (error as HttpTransportError).response?.statusCode === 409;
}

/** Whether the hub has no identity with this name. A 404 without the hub's own code comes from another server. */
export function isMissing(error: unknown): boolean {
  const { response, responseBody } = error as HttpTransportError;
  return response?.statusCode === 404 && /DeviceNotFound/.test(responseBody ?? '');
}

/**
 * The hub holds another version of the identity than the request names, or none. A 412 without the hub's own code comes from another
 * server.
 */
export function hasChanged(error: unknown): boolean {
  const { response, responseBody } = error as HttpTransportError;
  return response?.statusCode === 412 && isHubBody(responseBody);
}

/** Only the hub's own errors name an error code. A gateway, or a hub that is being moved, answers with a page or with nothing. */
function isHubBody(body = ''): boolean {
  return /error ?code/i.test(body);
}

/** The hub answers with JSON or without a body. */
function isPage(body: string): boolean {
  return /^\s*</.test(body);
}

/**
 * Maps an error of the hub's SDK to a ProvisioningError (docs/protocol.md, "Whose fault"). The message is our own text, because the text of
 * the SDK may contain the signature.
 *
 * @param write whether the call changes data; the outcome of a write is unknown after a lost response
 */
export function mapHubError(error: unknown, write: boolean): ProvisioningError {
  if (error instanceof ProvisioningError) return error;
  const make = (
    code: ProvisioningError['code'],
    message: string,
    options: Partial<ProvisioningErrorOptions> = {},
  ) => new ProvisioningError(code, message, { dependency: 'hub', cause: error, ...options });
  if (error instanceof CallTimeout) {
    return make('timed-out', 'The hub did not answer in time.', { outcomeUnknown: write });
  }
  const { response, responseBody = '' } = error as HttpTransportError;
  const status = response?.statusCode;
  if (isCredentialError(error)) {
    return make(
      'hub-unauthorized',
      'Azure issued no token for the hub: check the managed identity and its role (IoT Hub Registry Contributor).',
    );
  }
  if (status === undefined) {
    return make('hub-unavailable', 'The hub cannot be reached.', {
      outcomeUnknown: write && !neverSent(error),
    });
  }
  if (status === 401 && !isPage(responseBody))
    return make(
      'hub-unauthorized',
      'The hub rejects our credentials (401): check the connection string or the role.',
    );
  // The SDK calls every 403 "too many devices". The body has the real reason.
  if (status === 403 && isHubBody(responseBody)) {
    return /403002|IotHubQuotaExceeded/.test(responseBody)
      ? make(
          'hub-quota-exceeded',
          'The hub has used up its daily quota (403002): add units, or wait for midnight UTC.',
        )
      : /DeviceMaximumQueueDepth|TooManyDevices|403006|403110/.test(responseBody)
        ? make('hub-quota-exceeded', 'The hub holds its maximum number of devices (403).')
        : make(
            'hub-unauthorized',
            'The hub does not allow this operation with our credentials (403): the policy needs RegistryWrite.',
          );
  }
  if (status === 429) {
    return make('hub-throttled', 'The hub is throttling registry operations (429).', {
      retryAfterMs: waitMs(response?.headers?.['retry-after'], responseBody),
    });
  }
  if (status >= 500 || status === 408) {
    // A gateway may answer with an error although the hub has carried out the operation.
    return make('hub-unavailable', `The hub answered ${status}.`, { outcomeUnknown: write });
  }
  // A gateway may answer in place of the hub. The answer then says nothing about the device.
  if (status < 400 || status === 404 || !isHubBody(responseBody)) {
    return make(
      'hub-unavailable',
      `The response (${status}) did not come from IoT Hub: check the host name.`,
    );
  }
  if (status === 409 || status === 412)
    return make('hub-conflict', `Another program is changing the identity (${status}).`);
  // A hub that is being moved may answer 410, for example. The identity is not at fault.
  if (!finalStatuses.has(status)) return make('hub-unavailable', `The hub answered ${status}.`);
  const code = /ErrorCode:(\w+)/.exec(responseBody)?.[1];
  return make('hub-rejected', `The hub rejects this device identity (${status}${code ? ` ${code}` : ''}).`);
}

/**
 * The time that the hub asks us to wait, ms: from the header Retry-After, or from the text ("Wait 10 seconds and try again"). The default of
 * 10 s comes from a public log.
 */
function waitMs(retryAfter: string | string[] | undefined, body: string): number {
  const inText = /[Ww]ait (\d+) second/.exec(body)?.[1];
  return parseRetryAfter(String(retryAfter)) ?? parseRetryAfter(inText) ?? 10_000;
}
