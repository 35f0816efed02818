/** What can go wrong, in the engine's words. Each face has its own words for it (AMQP conditions, HTTP statuses). */
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

/** An error that is for the client to see. */
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
