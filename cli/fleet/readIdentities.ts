import type { HubListing, IdentityPage } from '../../src/iothub/types.js';
import { pause, retryWithBackoff } from '../../src/shared/retry.js';
import type { Clock } from '../../src/shared/time.js';

export interface IdentityDependencies {
  hub: HubListing;
  clock: Clock;
  /** The hub's limit of queries. */
  queriesPerMinute: number;
}

/** Past the 40 s for which the hub was seen to hold back a throttled call. */
const pageTimeoutMs = 60_000;

/**
 * All identities of the hub, by device id, with the thumbprints that they let in: a query for each 100, no faster than the hub allows
 * (with a unit of S1, 2,000 identities a minute). They come in no order, so that all are kept: about 0.3 KB each.
 *
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
