import { ProvisioningError, type ProvisioningErrorOptions } from '../shared/errors.js';
import { CallTimeout, neverSent, parseRetryAfter } from '../shared/network.js';

interface BalenaError {
  /** Set on errors that the SDK raises without a request. */
  code?: string;
  statusCode?: number;
  responseHeaders?: { get?(name: string): string | null };
  /** The body of the response. Only the SDK's errors have one. */
  body?: unknown;
}

/** The statuses by which balena rejects the content of a request. */
const finalStatuses = new Set([400, 413, 422]);

/** Whether balena refused a new row because the row exists. */
export function isExistingRow(error: unknown): boolean {
  const { statusCode, body } = error as BalenaError;
  return statusCode === 409 && /must be unique/.test(String(body));
}

/**
 * Maps an error of the balena SDK to a ProvisioningError (docs/protocol.md, "Whose fault"). The SDK's error must not leave this file and is
 * not kept as the cause: its `requestOptions.body` holds the private key of the write, and both `util.inspect` and `JSON.stringify` print
 * the key.
 *
 * @param write whether the request changes data; the outcome of a write is unknown after a lost response
 */
export function mapBalenaError(error: unknown, write: boolean): ProvisioningError {
  if (error instanceof ProvisioningError) return error;
  if (error instanceof CallTimeout || (error instanceof Error && error.message === 'network timeout'))
    return make('timed-out', 'balena did not answer in time.', { outcomeUnknown: write });
  const { code, statusCode } = error as BalenaError;
  if (code === 'BalenaExpiredToken')
    return make('balena-unauthorized', 'Our balena token has expired: make BALENA_API_KEY an API key.');
  if (statusCode !== undefined) return mapAnswer(error as BalenaError, statusCode, write);
  // Connection errors, and responses with invalid JSON, for which the SDK drops the status.
  return make('balena-unavailable', 'balena cannot be reached, or its responses cannot be read.', {
    outcomeUnknown: write && !neverSent(error),
  });
}

/** Every answer with an error status. An answer that balena's API never gives comes from another server, such as a gateway. */
function mapAnswer(answer: BalenaError, status: number, write: boolean): ProvisioningError {
  const retryAfter = answer.responseHeaders?.get?.('retry-after');
  // A date counts from balena's clock: a wrong clock of this process must not make all workers wait.
  const sentAt = Date.parse(answer.responseHeaders?.get?.('date') ?? '') || Date.now();
  const retryAfterMs = parseRetryAfter(retryAfter, sentAt);
  if (status === 429)
    return make('balena-throttled', 'balena is throttling us (429).', {
      retryAfterMs: retryAfterMs ?? (isOver(retryAfter) ? 1_000 : 30_000),
    });
  if (status === 503 && retryAfterMs !== null)
    return make('balena-throttled', 'balena is busy, and asks us to wait (503).', {
      retryAfterMs,
      outcomeUnknown: write,
    });
  // A gateway may answer with an error although balena has carried out the request.
  if (status >= 500 || status === 408 || status < 400)
    return make('balena-unavailable', `balena answered ${status}.`, { outcomeUnknown: write });
  if (isPage(answer)) return notFromBalena(status);
  if (status === 401 || status === 403) return write ? writeRefused(status) : keyRefused(status);
  if (status === 409) return conflict(answer);
  if (finalStatuses.has(status)) return make('balena-rejected', `balena rejects the request (${status}).`);
  return notFromBalena(status);
}

/**
 * Whether no time is left to wait: 0 (balena rounds the wait to whole seconds), or a moment that has passed. balena does not publish its limits. Without
 * such a text, the wait is half a minute.
 */
function isOver(retryAfter: string | null | undefined): boolean {
  const text = retryAfter?.trim() ?? '';
  return text === '0' || (/ GMT$/i.test(text) && !Number.isNaN(Date.parse(text)));
}

/** balena's API answers with JSON, with plain text or without a body. */
function isPage({ responseHeaders }: BalenaError): boolean {
  return /html/i.test(responseHeaders?.get?.('content-type') ?? '');
}

function notFromBalena(status: number): ProvisioningError {
  return make(
    'balena-unavailable',
    `The response (${status}) did not come from balena's API: check BALENA_API_URL, and the gateways before balena.`,
  );
}

/** A read is refused because of the key alone: balena leaves out the rows that a good key must not see. */
function keyRefused(status: number): ProvisioningError {
  return make('balena-unauthorized', `balena rejects our API key (${status}): check BALENA_API_KEY.`);
}

/**
 * A read with the same key has succeeded before every write. balena also answers 401 if the service's install has just been removed, for
 * example because the device moves to another fleet. The next run reads the device again, and so finds out which of both is true.
 */
function writeRefused(status: number): ProvisioningError {
  return make(
    'balena-write-refused',
    `balena refuses to change variables of the device (${status}). Either our API key lacks the right to write the device's variables, or the service has just been removed from the device.`,
  );
}

function conflict(answer: BalenaError): ProvisioningError {
  const message = isExistingRow(answer)
    ? 'Another writer created the same variable in balena (409).'
    : 'The device, or the variables of the device, have just changed in balena (409).';
  return make('balena-conflict', message, { retryAfterMs: 1_000 });
}

/** The same refusal with the name of the fleet: an operator then knows for which fleet the right is missing. */
export function withFleet(error: ProvisioningError, fleet: string | null): ProvisioningError {
  if (error.code !== 'balena-write-refused' || fleet === null) return error;
  const message = `${error.message} Fleet: ${fleet}. Needed right: to write device and service variables of this fleet.`;
  return make(error.code, message, { ...(error.step && { step: error.step }) });
}

function make(
  code: ProvisioningError['code'],
  message: string,
  options: Partial<ProvisioningErrorOptions> = {},
): ProvisioningError {
  return new ProvisioningError(code, message, { dependency: 'balena', ...options });
}
