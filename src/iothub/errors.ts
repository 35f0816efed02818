import {
  AggregateAuthenticationErrorName,
  AuthenticationErrorName,
  CredentialUnavailableErrorName,
} from '@azure/identity';
import { ProvisioningError, type ProvisioningErrorOptions } from '../shared/errors.js';
import { CallTimeout, neverSent } from '../shared/network.js';

const credentialErrors = new Set([
  AuthenticationErrorName,
  AggregateAuthenticationErrorName,
  CredentialUnavailableErrorName,
  'AuthenticationRequiredError',
]);

interface HttpTransportError {
  response?: { statusCode?: number; headers?: Record<string, string | string[] | undefined> };
  responseBody?: string;
}

/** There was no token, so nothing was asked of the hub. */
function isCredentialError(error: unknown): boolean {
  return error instanceof Error && credentialErrors.has(error.name);
}

/** The hub has an identity of that name. The SDK leaves `code` unset: only the status tells. */
export function isExisting(error: unknown): boolean {
  return (error as HttpTransportError).response?.statusCode === 409;
}

/** The hub has no identity of that name; a 404 without the hub's own code comes from something else. */
export function isMissing(error: unknown): boolean {
  const { response, responseBody } = error as HttpTransportError;
  return response?.statusCode === 404 && /DeviceNotFound/.test(responseBody ?? '');
}

/**
 * A hub error that is none of the answers a caller expects. Its text is our own: the SDK's may carry the signature.
 *
 * @param write whether the call changes something, so that a lost answer leaves its outcome unknown
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
      'No token for the hub: check the managed identity and its role (IoT Hub Registry Contributor).',
    );
  }
  if (status === undefined) {
    return make('hub-unavailable', 'The hub cannot be reached.', {
      outcomeUnknown: write && !neverSent(error),
    });
  }
  if (status === 401)
    return make(
      'hub-unauthorized',
      'The hub refuses our credentials (401): check its connection string or role.',
    );
  // The SDK names every 403 "too many devices".
  if (status === 403) {
    return /403002|IotHubQuotaExceeded/.test(responseBody)
      ? make(
          'hub-quota-exceeded',
          'The hub has used up its daily quota (403002): add units, or wait for midnight UTC.',
        )
      : /DeviceMaximumQueueDepth|TooManyDevices|403006|403110/.test(responseBody)
        ? make('hub-quota-exceeded', 'The hub has as many devices as it may hold (403).')
        : make(
            'hub-unauthorized',
            'The hub does not allow this to our credentials (403): the policy needs RegistryWrite.',
          );
  }
  if (status === 429) {
    return make('hub-throttled', 'The hub is throttling registry operations (429).', {
      retryAfterMs: waitMs(response?.headers?.['retry-after'], responseBody),
    });
  }
  if (status === 404 || status < 400) {
    return make(
      'hub-unavailable',
      `Something that is not the hub answered (${status}): check its host name.`,
    );
  }
  if (status >= 500 || status === 408) {
    // It may have happened behind the gateway that answers.
    return make('hub-unavailable', `The hub answered ${status}.`, { outcomeUnknown: write });
  }
  const code = /ErrorCode:(\w+)/.exec(responseBody)?.[1];
  return make('hub-rejected', `The hub rejects this device identity (${status}${code ? ` ${code}` : ''}).`);
}

/** The hub puts its hint into the text ("Wait 10 seconds and try again"); without one, 10 s as in a public log. */
function waitMs(retryAfter: string | string[] | undefined, body: string): number {
  const seconds = Number(retryAfter) || Number(/[Ww]ait (\d+) second/.exec(body)?.[1]) || 10;
  return Math.min(seconds, 600) * 1_000;
}
