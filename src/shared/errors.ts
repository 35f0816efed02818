import { type Dependency, type ErrorCode, type ErrorPolicy, policyOf } from './errorPolicy.js';
import { type SanitizedError, sanitizeError } from './sanitizeError.js';

export type { Dependency, ErrorCode } from './errorPolicy.js';

/** A step of a run. */
export type Step = 'validate' | 'mint' | 'sign' | 'register' | 'store' | 'remove';

/** The details of an error, beside code and message. */
export interface ProvisioningErrorOptions {
  step?: Step;
  /** The dependency that failed; default: the dependency of the code. The circuit of the dependency counts the failure. */
  dependency?: Dependency;
  /** The time that the dependency asked us to wait, ms. */
  retryAfterMs?: number;
  /** A write may have taken effect, or may still do so: after a timeout, a reset, or a 5xx. */
  outcomeUnknown?: boolean;
  /** balena may only not have the device or its services yet. */
  mayAppear?: boolean;
  /** The caught error. Only a sanitized form is kept. */
  cause?: unknown;
}

/**
 * The one error of the product. The code's row in the error policy decides what happens next. The message is safe to log, to store
 * and to show. Errors of other libraries carry keys and whole requests, so they are mapped to this class where they are caught.
 */
export class ProvisioningError extends Error {
  readonly code: ErrorCode;
  readonly dependency: Dependency | null;
  readonly retryAfterMs: number | null;
  readonly outcomeUnknown: boolean;
  readonly mayAppear: boolean;
  override readonly cause: SanitizedError | undefined;
  step: Step | undefined;

  constructor(code: ErrorCode, message: string, options: ProvisioningErrorOptions = {}) {
    super(message);
    this.name = 'ProvisioningError';
    this.code = code;
    this.step = options.step;
    this.dependency = options.dependency ?? policyOf(code).dependency;
    this.retryAfterMs = options.retryAfterMs ?? null;
    this.outcomeUnknown = options.outcomeUnknown ?? false;
    this.mayAppear = options.mayAppear ?? false;
    this.cause = sanitizeError(options.cause);
  }

  get policy(): ErrorPolicy {
    return policyOf(this.code);
  }

  /** Any thrown value as a ProvisioningError. An error of another class becomes `unexpected`, without its text. */
  static from(error: unknown): ProvisioningError {
    if (error instanceof ProvisioningError) return error;
    const name = error instanceof Error ? error.name : typeof error;
    return new ProvisioningError('unexpected', `An unexpected error occurred (${name}).`, { cause: error });
  }
}
