import type { HubListing, IdentityPage } from '../../src/iothub/types.js';
import { pause, retryWithBackoff } from '../../src/shared/retry.js';
import type { Clock } from '../../src/shared/time.js';

/** Everything that reading the identities uses. */
export interface IdentityDependencies {
  hub: HubListing;
  clock: Clock;
  /** The hub's limit of queries in a minute. */
  queriesPerMinute: number;
}

/** The longest time for one page. The hub delays a throttled call; delays of 40 s were observed. */
const pageTimeoutMs = 60_000;

/**
 * Reads all identities of the hub with their accepted thumbprints, by device id. A query returns 100 identities. Queries are limited to
 * `queriesPerMinute`: 2,000 identities in a minute with one unit of S1. The hub returns identities in no order, so all stay in memory,
 * about 0.3 KB each.
 *
 * @param onPage called after each page, with the number of identities until now
 * @throws ProvisioningError `hub-…`; the signal's reason
 */
export async function readIdentities(
  { hub, clock, queriesPerMinute }: IdentityDependencies,
  { signal, onPage }: { signal?: AbortSignal | undefined; onPage?(identities: number): void } = {},
): Promise<Map<string, string[]>> {
  const intervalMs = 60_000 / queriesPerMinute;
  const found = new Map<string, string[]>();
  const page = (from: string | null): Promise<IdentityPage> =>
    retryWithBackoff(clock, () => hub.list(from, pageTimeoutMs), signal);
  for (let from: string | null = null; ; ) {
    const startedAt = clock.now();
    const { identities, next } = await page(from);
    for (const { deviceId, accepts } of identities) found.set(deviceId, accepts);
    onPage?.(found.size);
    if (next === null) return found;
    from = next;
    await pause(clock, startedAt + intervalMs - clock.now(), signal);
  }
}
