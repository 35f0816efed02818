import type { HttpHandler, HttpRequest, HttpResponseInit, InvocationContext } from '@azure/functions';
import { ProvisioningError } from '../ProvisioningError.js';
import { BadRequest } from './BadRequest.js';
import { problem } from './problem.js';
import { Unauthorized } from './Unauthorized.js';

const retryAfterSeconds = 5;

/** A handler whose errors are answers: what the caller did wrong, or that it should ask again. Never a stack trace. */
export function answering(handle: (request: HttpRequest) => Promise<HttpResponseInit>): HttpHandler {
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
