import type { ErrorCode } from '../shared/errors.js';
import { ProvisioningError } from '../shared/errors.js';

interface ServiceBusFailure {
  name?: unknown;
  code?: unknown;
}

/** The failures with a message of their own, by the names that the SDK gives. */
const explained: readonly (readonly [names: RegExp, code: ErrorCode, message: string])[] = [
  [
    /unauthorized/i,
    'queue-unavailable',
    'Service Bus rejects our credentials (UnauthorizedAccess): check SERVICEBUS_CONNECTION, or the roles of the managed identity.',
  ],
  [
    /ProtocolError/,
    'queue-unavailable',
    'Something else than Service Bus answers (ProtocolError): check SERVICEBUS_CONNECTION, and proxies on the way.',
  ],
  [
    /server-?busy|servicebusy/i,
    'queue-throttled',
    'Service Bus limits our requests (ServerBusy): the namespace has used up its credits.',
  ],
];

/**
 * Maps an error of the Service Bus SDK to a ProvisioningError `queue-throttled` or `queue-unavailable`, whose message names the cause. The
 * queue may have taken a message in spite of the error.
 */
export function mapQueueError(error: unknown): ProvisioningError {
  const failure = error as ServiceBusFailure;
  const named = [failure.code, failure.name].filter((name) => typeof name === 'string').join(' ');
  const [, code, message] = explained.find(([names]) => names.test(named)) ?? [];
  return new ProvisioningError(
    code ?? 'queue-unavailable',
    message ?? `The queue cannot be reached (${reason(failure)}).`,
    { outcomeUnknown: true, cause: error },
  );
}

/** Whether the SDK says that the same call may succeed soon. A throttled call needs longer than that. */
export function isWorthRepeating(error: unknown): boolean {
  return (
    (error as { retryable?: unknown }).retryable === true && mapQueueError(error).code !== 'queue-throttled'
  );
}

function reason({ code, name }: ServiceBusFailure): string {
  return ([code, name].find((text) => typeof text === 'string') as string | undefined) ?? 'unknown';
}
