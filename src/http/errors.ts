import type { HttpHandler, HttpRequest, HttpResponseInit, InvocationContext } from '@azure/functions';
import { ConfigError } from '../config/config.js';
import { policyOf } from '../shared/errorPolicy.js';
import { ProvisioningError } from '../shared/errors.js';
import { problem } from './problem.js';

/** The part of the API: the first word of the error codes. */
export type ApiArea = 'provision' | 'webhook' | 'ops';

/** A request is invalid. The message says how to correct the request. */
export class BadRequest extends Error {
  constructor(
    readonly code: `${ApiArea}.request.${string}`,
    message: string,
    readonly status: 400 | 413 | 415 = 400,
  ) {
    super(message);
    this.name = 'BadRequest';
  }
}

/** The caller has no valid credentials. The message says how to send valid credentials. */
export class Unauthorized extends Error {
  constructor(
    readonly code: 'webhook.unauthorized' | 'provision.proof-missing' | 'provision.proof-wrong',
    message: string,
  ) {
    super(message);
    this.name = 'Unauthorized';
  }
}

const retryAfterSeconds = 5;
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
      if (error instanceof BadRequest)
        return problem({ status: error.status, code: error.code, detail: error.message });
      if (error instanceof Unauthorized)
        return problem({ status: 401, code: error.code, detail: error.message });
      if (error instanceof ConfigError) return wrongSettings(error, callers);
      const { code, message, policy } = ProvisioningError.from(error);
      context.error(`${code}: ${message}`);
      if (policy.isFinal) return problem({ status: policy.httpStatus, code, detail: message });
      return problem({
        status: policyOf(code).httpStatus,
        code,
        detail: `${message} The request may be lost: repeat the request in ${retryAfterSeconds} seconds.`,
        headers: { 'retry-after': String(retryAfterSeconds) },
      });
    }
  };
}
