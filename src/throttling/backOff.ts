import type { ProvisioningError } from '../shared/errors.js';

const firstMs = 5_000;
const mostSpreadMs = 60_000;
const anHourMs = 3_600_000;
/** Our own credentials or the hub's quota: nothing that a few seconds mend. */
const slowFirstMs = 60_000;
const slow = new Set<ProvisioningError['code']>([
  'balena-unauthorized',
  'hub-unauthorized',
  'hub-quota-exceeded',
]);

/**
 * How long until the next run: exponential with full jitter from 5 s on, and never before the other side's Retry-After.
 *
 * @param retries runs of this request that ended with a retry before
 * @param random between 0 and 1
 * @param longestMs an hour: what is down that long is seen soon enough when it is back
 * @returns ms
 */
export function backOff(
  error: ProvisioningError,
  retries: number,
  random: number,
  longestMs = anHourMs,
): number {
  const first = slow.has(error.code) ? slowFirstMs : firstMs;
  const most = Math.min(first * 2 ** Math.min(retries, 20), longestMs);
  const jittered = Math.max(1_000, Math.round(random * most));
  if (typeof error.retry !== 'object') return jittered;
  // Many are told the same moment. The hub's pace spreads them; for balena they do it themselves, the more often, the further.
  const spreadMs = error.code === 'balena-throttled' ? mostSpreadMs : firstMs;
  return error.retry.afterMs + Math.min(jittered, spreadMs);
}
