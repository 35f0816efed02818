import type { ProvisioningError } from '../shared/errors.js';

const anHourMs = 3_600_000;
const shortestMs = 1_000;

/**
 * The wait until the next run: exponential, with full jitter, and never shorter than the dependency's Retry-After. The error policy has
 * the first wait, and the time over which runs with the same Retry-After are spread.
 *
 * @param retries earlier runs of this request that ended with a retry
 * @param random a random number from 0 to 1
 * @param longestMs the longest wait without a Retry-After, ms; default: an hour
 * @returns the wait in ms
 */
export function backOff(
  { policy, retryAfterMs }: Pick<ProvisioningError, 'policy' | 'retryAfterMs'>,
  retries: number,
  random: number,
  longestMs = anHourMs,
): number {
  const most = Math.min(policy.firstBackOffMs * 2 ** Math.min(retries, 20), longestMs);
  const jittered = Math.max(shortestMs, Math.round(random * most));
  return retryAfterMs === null ? jittered : retryAfterMs + Math.min(jittered, policy.spreadMs);
}

const firstQuickTryMs = 5_000;

/**
 * The wait before a quick try: about 5 s, doubling. Four quick tries take 38 to 75 s.
 *
 * @param tries earlier quick tries of this request
 * @param random a random number from 0 to 1
 * @param longestMs the longest wait, ms; default: an hour
 * @returns the wait in ms
 */
export function quickTryAfter(tries: number, random: number, longestMs = anHourMs): number {
  return Math.round(Math.min(firstQuickTryMs * 2 ** tries, longestMs) * (0.5 + random / 2));
}
