import type { HttpHandler, HttpRequest, HttpResponseInit, InvocationContext } from '@azure/functions';
import { ProvisioningError } from '../shared/errors.js';
import { problem } from './problem.js';

/** A request that cannot be taken as it is. The message says what to send. */
export class BadRequest extends Error {
  constructor(
    readonly code: `${'provision' | 'webhook' | 'ops'}.request.${string}`,
    message: string,
    readonly status: 400 | 413 = 400,
  ) {
    super(message);
    this.name = 'BadRequest';
  }
}

/** Who asks is not who they must be. The message says what is expected, and nothing about what was wrong. */
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

/** A handler whose errors are answers: what the caller did wrong, or that it should ask again. Never a stack trace. */
export function withErrorResponses(handle: (request: HttpRequest) => Promise<HttpResponseInit>): HttpHandler {
  return async (request: HttpRequest, context: InvocationContext) => {
    try {
      return await handle(request);
    } catch (error) {
      if (error instanceof BadRequest)
        return problem({ status: error.status, code: error.code, detail: error.message });
      if (error instanceof Unauthorized)
        return problem({ status: 401, code: error.code, detail: error.message });
      const { code, message } = ProvisioningError.from(error);
      context.error(`${code}: ${message}`);
      return problem({
        status: 503,
        code,
        detail: `${message} Nothing was promised: ask again in ${retryAfterSeconds} seconds.`,
        headers: { 'retry-after': String(retryAfterSeconds) },
      });
    }
  };
}
