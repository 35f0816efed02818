/** The kinds of errors that the engine reports. The AMQP layer maps a code to a condition, the management API to an HTTP status. */
export type BrokerErrorCode =
  | 'argument'
  | 'entity-exists'
  | 'entity-not-found'
  | 'internal'
  | 'lock-lost'
  | 'message-not-found'
  | 'message-too-large'
  | 'not-allowed'
  | 'not-supported'
  | 'quota-exceeded'
  | 'server-busy'
  | 'store-unavailable'
  | 'unauthorized';

/** An error that the broker sends to the client. */
export class BrokerError extends Error {
  override readonly name = 'BrokerError';

  constructor(
    readonly code: BrokerErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The error for an unknown queue, with the text of Service Bus. The SDKs recognise `MessagingEntityNotFound` by the text. */
export const entityNotFound = (name: string) =>
  new BrokerError(
    'entity-not-found',
    `The messaging entity 'sb://localhost/${name}' could not be found. To know more visit https://aka.ms/sbResourceMgrExceptions.`,
  );

/** The error for a feature of Service Bus that this broker lacks. @param feature as the message names the feature */
export const notSupported = (feature: string) =>
  new BrokerError('not-supported', `Not supported by the local broker: ${feature}.`);
