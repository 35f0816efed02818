import { ProvisioningError } from '../shared/errors.js';

interface ServiceBusFailure {
  name?: unknown;
  code?: unknown;
  /** Of an `AggregateError`: the error of each try. */
  errors?: unknown;
}

/** What the last try failed with, and the part of our message that an operator needs. */
const explained: readonly (readonly [names: RegExp, message: string])[] = [
  [
    /unauthorized/i,
    'Service Bus rejects our credentials (UnauthorizedAccess): check SERVICEBUS_CONNECTION, or the roles of the managed identity.',
  ],
  [
    /server-?busy|servicebusy/i,
    'Service Bus limits our requests (ServerBusy): the namespace has used up its credits. The work continues more slowly.',
  ],
];

/**
 * Maps an error of the Service Bus SDK to a ProvisioningError `queue-unavailable`, whose message names the cause. The queue may have taken a
 * message in spite of the error.
 */
export function mapQueueError(error: unknown): ProvisioningError {
  const last = lastTry(error);
  const named = [last.code, last.name].filter((name) => typeof name === 'string').join(' ');
  const [, message] = explained.find(([names]) => names.test(named)) ?? [];
  return new ProvisioningError(
    'queue-unavailable',
    message ?? `The queue cannot be reached (${reason(last)}).`,
    { outcomeUnknown: true, cause: last },
  );
}

/** The SDK tries several times, and then throws an `AggregateError`, which has neither a code nor a message. */
function lastTry(error: unknown): ServiceBusFailure {
  const { errors } = error as ServiceBusFailure;
  const last: unknown = Array.isArray(errors) ? errors.at(-1) : undefined;
  return last === undefined || last === null ? (error as ServiceBusFailure) : lastTry(last);
}

function reason({ code, name }: ServiceBusFailure): string {
  return ([code, name].find((text) => typeof text === 'string') as string | undefined) ?? 'unknown';
}
