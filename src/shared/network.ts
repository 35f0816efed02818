import type { EpochMs } from './time.js';

/** An outgoing call reached its deadline. The other system may have carried out the request, or may still do so. */
export class CallTimeout extends Error {
  constructor() {
    super('no answer within the deadline');
    this.name = 'CallTimeout';
  }
}

/**
 * Runs an outgoing call with a deadline. The returned promise settles at the deadline at the latest, even if the call ignores the
 * signal.
 *
 * @param ms milliseconds from now
 * @param run gets a signal that is aborted at the deadline, with a `CallTimeout` as its reason
 * @throws CallTimeout at the deadline; the errors of `run`
 */
export async function withDeadline<R>(ms: number, run: (signal: AbortSignal) => Promise<R>): Promise<R> {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const timeout = new CallTimeout();
      // The rejection comes first. An SDK's own abort error would otherwise win the race.
      reject(timeout);
      controller.abort(timeout);
    }, ms);
  });
  try {
    return await Promise.race([run(controller.signal), deadline]);
  } finally {
    clearTimeout(timer);
  }
}

const longestRetryAfterMs = 600_000;

/**
 * Parses the header Retry-After: whole seconds, or a date (RFC 9110). A longer wait than ten minutes counts as ten minutes.
 *
 * @param now the reference for a date
 * @returns the wait, ms; null without a header, with an unreadable one, or if no time is left to wait
 */
export function parseRetryAfter(header: string | null | undefined, now: EpochMs = Date.now()): number | null {
  const text = header?.trim() ?? '';
  const waitMs = / GMT$/i.test(text) ? Date.parse(text) - now : Number(text) * 1_000;
  return waitMs > 0 ? Math.min(waitMs, longestRetryAfterMs) : null;
}

/** The error codes for a failed connection or a rejected certificate. The other system has never received the request. */
const neverSentCodes = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);

/** Whether the code of the error, or of one of its causes, proves that the other system has never received the request. */
export function neverSent(error: unknown): boolean {
  const { code, cause } = error as { code?: unknown; cause?: unknown };
  if (typeof code === 'string' && neverSentCodes.has(code)) return true;
  return cause !== undefined && cause !== null && neverSent(cause);
}
