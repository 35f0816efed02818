/** The kinds of errors that the engine reports. The AMQP layer maps a code to a condition, the management API to an HTTP status. */
export type BrokerErrorCode =
  | 'argument'
  | 'entity-exists'
  | 'entity-not-found'
  | 'lock-lost'
  | 'message-not-found'
  | 'message-too-large'
  | 'not-allowed'
  | 'not-supported'
  | 'quota-exceeded'
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

/** The error for a feature of Service Bus that this broker lacks. @param feature as the message names the feature */
export const notSupported = (feature: string) =>
  new BrokerError('not-supported', `Not supported by the local broker: ${feature}.`);
