import { type SanitizedError, sanitizeError } from './sanitizeError.js';

/** Every reason for which a request can stop. Stable: they are in records, in dead letters and in answers. */
export type ErrorCode =
  | 'device-not-found'
  | 'service-not-found'
  | 'fleet-not-allowed'
  | 'hub-rejected'
  | 'balena-rejected'
  | 'balena-throttled'
  | 'hub-throttled'
  | 'balena-unavailable'
  | 'hub-unavailable'
  | 'records-unavailable'
  | 'queue-unavailable'
  | 'timed-out'
  | 'balena-unauthorized'
  | 'hub-unauthorized'
  | 'hub-quota-exceeded'
  | 'unexpected'
  | 'worker-died'
  | 'cancelled';

export type Step = 'validate' | 'mint' | 'register' | 'store' | 'remove';

/** The systems outside that can be down without it being the device's fault. */
export type Dependency = 'balena' | 'hub';

/** What the worker does about an error: fail for good, retry with its own back-off, or retry no sooner than asked. */
export type Retry = 'never' | 'later' | { afterMs: number };

export interface ProvisioningErrorOptions {
  retry: Retry;
  step?: Step;
  /** Whose failure it is, for the circuit. */
  dependency?: Dependency;
  /** A write that may have happened, or may still happen: a timeout, a reset, a 5xx. */
  outcomeUnknown?: boolean;
  /** Kept as an outline. */
  cause?: unknown;
}

/**
 * The one error of the product. Its type decides what happens next, and its message is safe to log, to store and to show:
 * errors of foreign libraries are mapped to it where they are caught, because they carry keys and requests.
 */
export class ProvisioningError extends Error {
  readonly code: ErrorCode;
  readonly retry: Retry;
  readonly dependency: Dependency | undefined;
  readonly outcomeUnknown: boolean;
  /** What was caught: never the foreign error itself, which carries keys and requests. */
  override readonly cause: SanitizedError | undefined;
  step: Step | undefined;

  constructor(code: ErrorCode, message: string, options: ProvisioningErrorOptions) {
    super(message);
    this.name = 'ProvisioningError';
    this.code = code;
    this.retry = options.retry;
    this.step = options.step;
    this.dependency = options.dependency;
    this.outcomeUnknown = options.outcomeUnknown ?? false;
    this.cause = sanitizeError(options.cause);
  }

  /** Anything that was thrown, as a ProvisioningError: what is not one yet becomes `unexpected`, without its text. */
  static from(error: unknown): ProvisioningError {
    if (error instanceof ProvisioningError) return error;
    const name = error instanceof Error ? error.name : typeof error;
    return new ProvisioningError('unexpected', `Something unexpected went wrong (${name}).`, {
      retry: 'later',
      cause: error,
    });
  }
}
