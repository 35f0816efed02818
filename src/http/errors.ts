import type { HttpHandler, HttpRequest, HttpResponseInit, InvocationContext } from '@azure/functions';
import { ConfigError } from '../config/config.js';
import { policyOf } from '../shared/errorPolicy.js';
import { ProvisioningError } from '../shared/errors.js';
import { problem } from './problem.js';
import { TooBusy } from './requestLimit.js';

/** The part of the API: the first word of the error codes. */
export type ApiArea = 'provision' | 'webhook' | 'ops';

/** A request is invalid. The message says how to correct the request. */
export class BadRequest extends Error {
  constructor(
    readonly code: `${ApiArea}.request.${string}`,
    message: string,
    readonly status: 400 | 413 | 415 | 422 = 400,
  ) {
    super(message);
    this.name = 'BadRequest';
  }
}

/** The caller has no valid credentials (401), or no right (403). The message names what the caller lacks. */
export class Unauthorized extends Error {
  constructor(
    readonly code:
      | 'webhook.unauthorized'
      | 'provision.proof-missing'
      | 'provision.proof-wrong'
      | 'provision.fleet-not-served',
    message: string,
    readonly status: 401 | 403 = 401,
  ) {
    super(message);
    this.name = 'Unauthorized';
  }
}

/** The wait if the error names no other. */
const usualWaitMs = 5_000;

/** The wait that a caller gets, whole seconds. Where the policy spreads runs over a longer time, the callers are spread as well. */
function retryAfter({ code, retryAfterMs }: ProvisioningError): number {
  const leastSeconds = Math.ceil((retryAfterMs ?? usualWaitMs) / 1_000);
  const spreadSeconds = policyOf(code).spreadMs / 1_000 - leastSeconds;
  return leastSeconds + Math.floor(Math.random() * Math.max(0, spreadSeconds));
}

/** The wait while settings are wrong: an operator has to correct them. */
const wrongSettingsSeconds = 60;

/** The answer of every route while settings are missing or wrong. */
function wrongSettings({ problems }: ConfigError, callers: 'with-key' | 'anonymous'): HttpResponseInit {
  const repeat = `The request was not accepted: repeat the request in ${wrongSettingsSeconds} seconds.`;
  return problem({
    status: 503,
    code: 'settings-wrong',
    detail:
      callers === 'anonymous'
        ? `The service is not set up completely. ${repeat}`
        : `An operator has to correct these settings: ${problems.join('; ')}. ${repeat}`,
    headers: { 'retry-after': String(wrongSettingsSeconds) },
  });
}

/** The callers of refused requests come back spread over a minute: a fleet boots at once. */
const busySeconds = { least: 5, most: 60 };

/** The answer to a request that the process has no time for. Nothing is logged: the flood itself would cost more than its requests. */
function tooBusy({ message }: TooBusy): HttpResponseInit {
  const { least, most } = busySeconds;
  const seconds = least + Math.floor(Math.random() * (most - least));
  return problem({
    status: 503,
    code: 'too-busy',
    detail: `${message} The request was not accepted: repeat the request in ${seconds} seconds.`,
    headers: { 'retry-after': String(seconds) },
  });
}

/**
 * Makes a handler that answers errors with problem documents: the caller's mistakes with 4xx, all other errors with 503 and
 * Retry-After. An answer never contains a stack trace.
 *
 * @param callers `anonymous` if the route needs no key: the answer then does not name the wrong settings
 */
export function withErrorResponses(
  handle: (request: HttpRequest) => Promise<HttpResponseInit>,
  callers: 'with-key' | 'anonymous' = 'with-key',
): HttpHandler {
  return async (request: HttpRequest, context: InvocationContext) => {
    try {
      return await handle(request);
    } catch (error) {
      if (error instanceof TooBusy) return tooBusy(error);
      if (error instanceof BadRequest)
        return problem({ status: error.status, code: error.code, detail: error.message });
      if (error instanceof Unauthorized)
        return problem({ status: error.status, code: error.code, detail: error.message });
      if (error instanceof ConfigError) return wrongSettings(error, callers);
      const failure = ProvisioningError.from(error);
      const { code, message, policy } = failure;
      context.error(`${code}: ${message}`);
      if (policy.isFinal) return problem({ status: policy.httpStatus, code, detail: message });
      const seconds = retryAfter(failure);
      return problem({
        status: policyOf(code).httpStatus,
        code,
        detail: `${message} The request may be lost: repeat the request in ${seconds} seconds.`,
        headers: { 'retry-after': String(seconds) },
      });
    }
  };
}
