import { type FleetListing, fleetPageSize, type ListedDevice } from '../balena/listing.js';
import type { BalenaClient } from '../balena/types.js';
import { ProvisioningError } from '../shared/errors.js';
import { retryWithBackoff } from '../shared/retry.js';
import type { Clock } from '../shared/time.js';

export interface ListingDependencies {
  balena: FleetListing & Pick<BalenaClient, 'seesFleet'>;
  clock: Clock;
}

export interface ListingOptions {
  /** Slugs; null: every device that the key sees. */
  fleets: readonly string[] | null;
  /** Only uuids greater than this one. */
  after?: string;
  signal?: AbortSignal | undefined;
}

/**
 * The devices of fleets in the order of their uuids, each once. One request for each fleet and page, and one more for each fleet.
 *
 * @throws ProvisioningError `balena-unauthorized` where the key does not see a fleet: then an empty list would mean nothing
 */
export async function* listDevices(
  deps: ListingDependencies,
  { fleets, after = '', signal }: ListingOptions,
): AsyncGenerator<ListedDevice> {
  const lists = (fleets ?? [null]).map((fleet) => devicesIn(deps, fleet, after, signal));
  const heads = await Promise.all(lists.map((list) => list.next()));
  let last = after;
  for (;;) {
    let least = -1;
    for (const [i, head] of heads.entries()) {
      if (head.done) continue;
      const best = heads[least];
      if (!best || best.done || head.value.uuid < best.value.uuid) least = i;
    }
    const head = heads[least];
    if (!head || head.done) return;
    // Moved from fleet to fleet meanwhile, a device may be in both lists.
    if (head.value.uuid !== last) yield head.value;
    last = head.value.uuid;
    heads[least] = await lists[least]!.next();
  }
}

async function* devicesIn(
  { balena, clock }: ListingDependencies,
  fleet: string | null,
  after: string,
  signal?: AbortSignal,
): AsyncGenerator<ListedDevice> {
  for (let from = after; ; ) {
    const page = await retryWithBackoff(clock, () => balena.list(fleet, from), signal);
    if (
      page.length < fleetPageSize &&
      !(await retryWithBackoff(clock, () => balena.seesFleet(fleet), signal))
    ) {
      throw new ProvisioningError(
        'balena-unauthorized',
        `Our balena API key does not see ${fleet === null ? 'any fleet' : `the fleet ${fleet}`}: check the slug, and BALENA_API_KEY.`,
        { dependency: 'balena' },
      );
    }
    yield* page;
    if (page.length < fleetPageSize) return;
    from = page.at(-1)!.uuid;
  }
}
