import { type FleetListing, fleetPageSize } from '../balena/listing.js';
import type { VariableScope } from '../device/record.js';
import { retryWithBackoff } from '../shared/retry.js';
import type { Clock } from '../shared/time.js';

/** Everything that the search for a service uses. */
export interface ServiceDependencies {
  balena: Pick<FleetListing, 'servicesOf' | 'listWithout'>;
  clock: Clock;
}

/** What balena has of a service in a fleet. */
export interface FoundService {
  /** A release of the fleet has had the service. Always true for the device level. */
  exists: boolean;
  /** The services of the fleet, by name; null if the key does not see the fleet. */
  services: string[] | null;
  /** The number of the devices without the service. */
  lacking: number;
}

/**
 * Finds out whether a fleet has a service, and how many devices lack the service. A device that has never run a release has no service yet.
 * The search costs one request, and one more for each 1,000 devices of the fleet without the service.
 *
 * @param service '' for the device level, which every device has
 * @param isConcerned whether a device counts; default: every device of the fleet
 * @param concerned the number of the devices that count, if the fleet has no such service
 * @throws ProvisioningError `balena-…`, `timed-out`, after some retries
 */
export async function findService(
  { balena, clock }: ServiceDependencies,
  { service, fleet }: { service: VariableScope; fleet: string },
  concerned: ReadonlySet<string> | null = null,
  signal?: AbortSignal,
): Promise<FoundService> {
  if (service === '') return { exists: true, services: [], lacking: 0 };
  const services = await retryWithBackoff(clock, () => balena.servicesOf(fleet), signal);
  if (!services?.includes(service)) return { exists: false, services, lacking: concerned?.size ?? 0 };
  let lacking = 0;
  for (let after: string | undefined = ''; after !== undefined; ) {
    const from: string = after;
    const page = await retryWithBackoff(clock, () => balena.listWithout(service, fleet, from), signal);
    lacking += concerned ? page.filter((uuid) => concerned.has(uuid)).length : page.length;
    after = page.length < fleetPageSize ? undefined : page.at(-1);
  }
  return { exists: true, services, lacking };
}

/** Names a fleet without a service, and the services that the fleet has. */
export function describeMissing(service: VariableScope, fleet: string, { services }: FoundService): string {
  if (services === null) return `The balena API key does not see the fleet ${fleet}.`;
  const known = services.length > 0 ? `has ${services.join(', ')}` : 'has no services yet';
  return `The fleet ${fleet} has no service "${service}": it ${known}.`;
}
