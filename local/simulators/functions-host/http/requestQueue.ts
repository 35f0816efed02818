import { createConcurrencyLimit } from '../trigger.js';

/** The limits for HTTP requests in host.json; infinite without a limit. */
export interface HttpLimits {
  /** Requests that the functions handle at the same time. Further requests wait in the host. */
  maxConcurrentRequests: number;
  /** Requests that the functions handle, or that wait in the host. The host refuses further requests with 429. */
  maxOutstandingRequests: number;
}

/** The requests of an instance, as in `HttpThrottleMiddleware` and `HttpRequestQueue` of the real host. */
export interface RequestQueue {
  /**
   * Runs a request, at its turn.
   *
   * @returns false if the host refuses the request: too many requests are outstanding
   */
  run(request: () => Promise<void>): Promise<boolean>;
}

/** The answer to a refused request. The real host sends no `Retry-After`. */
export const tooManyRequests = { status: 429, headers: { 'x-function-scaleout': '1' } } as const;

export function createRequestQueue({
  maxConcurrentRequests,
  maxOutstandingRequests,
}: HttpLimits): RequestQueue {
  const limit = createConcurrencyLimit(maxConcurrentRequests);
  let outstanding = 0;
  return {
    async run(request) {
      if (outstanding >= maxOutstandingRequests) return false;
      outstanding += 1;
      try {
        await limit.acquire();
        try {
          await request();
        } finally {
          limit.release();
        }
      } finally {
        outstanding -= 1;
      }
      return true;
    },
  };
}
