import { ProvisioningError, type ProvisioningErrorOptions } from '../shared/errors.js';
import { CallTimeout, neverSent } from '../shared/network.js';

interface BalenaError {
  /** Of errors that the SDK raises without a request. */
  code?: string;
  statusCode?: number;
  responseHeaders?: { get?(name: string): string | null };
}

/**
 * An error of the balena SDK as ours. The SDK's own must go no further: its `requestOptions.body` holds the private key that
 * was being stored, and both `util.inspect` and `JSON.stringify` print it. So it is not even kept as the cause.
 *
 * @param write whether the request changes something, so that a lost answer leaves its outcome unknown
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
    return make('balena-unauthorized', 'balena refuses our API key (401): check BALENA_API_KEY.');
  if (status === 403) return make('balena-unauthorized', 'balena does not allow this to our API key (403).');
  if (status === 429) {
    // The limits are unpublished; Retry-After is all there is. Without it, half a minute.
    const seconds = Number(responseHeaders?.get?.('retry-after')) || 30;
    return make('balena-throttled', 'balena is throttling us (429).', {
      retryAfterMs: Math.min(seconds, 600) * 1_000,
    });
  }
  if (status === 409) {
    return make('balena-conflict', 'A variable of that name appeared in balena meanwhile (409).', {
      retryAfterMs: 1_000,
    });
  }
  if (status !== undefined && status >= 400 && status < 500 && status !== 408) {
    return make('balena-rejected', `balena rejects the request (${status}).`);
  }
  if (status !== undefined)
    return make('balena-unavailable', `balena answered ${status}.`, { outcomeUnknown: write });
  // Connection errors, and answers that are not JSON although they say so, of which the SDK loses the status.
  return make('balena-unavailable', 'balena cannot be reached, or gives answers that cannot be read.', {
    outcomeUnknown: write && !neverSent(error),
  });
}
