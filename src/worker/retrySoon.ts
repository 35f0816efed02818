import pRetry from 'p-retry';
import type { ProvisioningError } from '../ProvisioningError.js';

/** Runs a call again, soon, for as long as it fails in a way that is worth it. */
export type RetrySoon = <R>(call: () => Promise<R>) => Promise<R>;

const longestWaitMs = 5_000;

/**
 * A few tries within 20 s, jittered, inside one run: for what was refused, or never reached the other side. A call whose
 * outcome is unknown is never repeated blindly: the next run looks first.
 */
export const retrySoon: RetrySoon = (call) =>
  pRetry(call, {
    retries: 3,
    minTimeout: 200,
    maxTimeout: longestWaitMs,
    maxRetryTime: 20_000,
    randomize: true,
    shouldRetry: ({ error }) => worthRetryingSoon(error as ProvisioningError),
  });

export function worthRetryingSoon({ code, retry, outcomeUnknown }: ProvisioningError): boolean {
  // An amendment reads before it writes, and knows its own writes.
  if (code === 'records-unavailable') return true;
  if (outcomeUnknown) return false;
  if (code === 'balena-throttled') return typeof retry === 'object' && retry.afterMs <= longestWaitMs;
  return code === 'balena-unavailable' || code === 'hub-unavailable';
}
