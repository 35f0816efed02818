import { type FleetListing, fleetPageSize, type ListedDevice } from '../balena/listing.js';
import type { BalenaClient } from '../balena/types.js';
import { ProvisioningError } from '../shared/errors.js';
import { retryWithBackoff } from '../shared/retry.js';
import type { Clock } from '../shared/time.js';

/** Everything that a listing uses. */
export interface ListingDependencies {
  balena: FleetListing & Pick<BalenaClient, 'seesFleet'>;
  clock: Clock;
}

/** The devices to list. */
export interface ListingOptions {
  /** Slugs of fleets; null: every device visible to the API key. */
  fleets: readonly string[] | null;
  /** Only devices with a UUID greater than this UUID are listed. */
  after?: string;
  signal?: AbortSignal | undefined;
  /** Called for a fleet that the key does not see: the list goes on without the rest of that fleet. Default: the listing fails. */
  onInvisible?: ((fleet: string) => void) | undefined;
}

/**
 * Lists the devices of fleets in the order of the UUIDs, each device once. The listing costs a request for each fleet and page, and
 * another request for a fleet whose last page is empty.
 *
 * @throws ProvisioningError `balena-unauthorized` if a fleet is invisible to the API key, without `onInvisible`: an empty list would look
 * like a fleet without devices
 * @throws ProvisioningError `balena-…` after several tries
 */
export async function* listDevices(
  deps: ListingDependencies,
  { fleets, after = '', signal, onInvisible }: ListingOptions,
): AsyncGenerator<ListedDevice> {
  const lists = (fleets ?? [null]).map((fleet) => devicesIn(deps, fleet, after, { signal, onInvisible }));
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
    // A device moved between fleets during the listing may be in both lists.
    if (head.value.uuid !== last) yield head.value;
    last = head.value.uuid;
    heads[least] = await lists[least]!.next();
  }
}

/**
 * Lists the devices of a fleet, page by page. balena answers with an empty page also if the API key does not see the fleet any more, so an
 * empty page counts only if the key still sees the fleet. A page with devices shows by itself that the key sees the fleet, and balena reads
 * a page in one query: such a page has all devices up to its end.
 */
async function* devicesIn(
  { balena, clock }: ListingDependencies,
  fleet: string | null,
  after: string,
  { signal, onInvisible }: Pick<ListingOptions, 'signal' | 'onInvisible'>,
): AsyncGenerator<ListedDevice> {
  for (let from = after; ; ) {
    const page = await retryWithBackoff(clock, () => balena.list(fleet, from), signal);
    signal?.throwIfAborted();
    if (page.length === 0 && !(await retryWithBackoff(clock, () => balena.seesFleet(fleet), signal))) {
      if (fleet !== null && onInvisible) return onInvisible(fleet);
      throw new ProvisioningError(
        'balena-unauthorized',
        `The balena API key does not see ${fleet === null ? 'any fleet' : `the fleet ${fleet}`}. Check the slug and BALENA_API_KEY.`,
        { dependency: 'balena' },
      );
    }
    yield* page;
    if (page.length < fleetPageSize) return;
    from = page.at(-1)!.uuid;
  }
}
