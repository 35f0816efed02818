import { ProvisioningError, type ProvisioningErrorOptions } from '../shared/errors.js';
import { CallTimeout, neverSent, parseRetryAfter } from '../shared/network.js';

interface BalenaError {
  /** Set on errors that the SDK raises without a request. */
  code?: string;
  statusCode?: number;
  responseHeaders?: { get?(name: string): string | null };
}

/**
 * Maps an error of the balena SDK to a ProvisioningError. The SDK's error must not leave this file and is not kept as the cause: its
 * `requestOptions.body` holds the private key of the write, and both `util.inspect` and `JSON.stringify` print the key.
 *
 * @param write whether the request changes data; the outcome of a write is unknown after a lost response
 */
export function mapBalenaError(error: unknown, write: boolean): ProvisioningError {
  if (error instanceof ProvisioningError) return error;
  const make = (
    code: ProvisioningError['code'],
    message: string,
    options: Partial<ProvisioningErrorOptions> = {},
  ) => new ProvisioningError(code, message, { dependency: 'balena', ...options });
  if (error instanceof CallTimeout || (error instanceof Error && error.message === 'network timeout')) {
    return make('timed-out', 'balena did not answer in time.', { outcomeUnknown: write });
  }
  const { code, statusCode: status, responseHeaders } = error as BalenaError;
  if (code === 'BalenaExpiredToken')
    return make('balena-unauthorized', 'Our balena token has expired: make BALENA_API_KEY an API key.');
  if (status === 401)
    return make('balena-unauthorized', 'balena rejects our API key (401): check BALENA_API_KEY.');
  if (status === 403)
    return make('balena-unauthorized', 'balena does not allow this request with our API key (403).');
  if (status === 429) {
    // balena does not publish its limits. Without a Retry-After, the wait is half a minute.
    return make('balena-throttled', 'balena is throttling us (429).', {
      retryAfterMs: parseRetryAfter(responseHeaders?.get?.('retry-after')) ?? 30_000,
    });
  }
  if (status === 409) {
    return make('balena-conflict', 'Another writer created the same variable in balena (409).', {
      retryAfterMs: 1_000,
    });
  }
  if (status !== undefined && status >= 400 && status < 500 && status !== 408) {
    return make('balena-rejected', `balena rejects the request (${status}).`);
  }
  if (status !== undefined)
    return make('balena-unavailable', `balena answered ${status}.`, { outcomeUnknown: write });
  // Connection errors, and responses with invalid JSON, for which the SDK drops the status.
  return make('balena-unavailable', 'balena cannot be reached, or its responses cannot be read.', {
    outcomeUnknown: write && !neverSent(error),
  });
}
