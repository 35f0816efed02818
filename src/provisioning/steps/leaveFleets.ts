import type { BalenaDevice } from '../../balena/types.js';
import type { IdentityVersion } from '../../iothub/types.js';
import { ProvisioningError } from '../../shared/errors.js';
import { removeIdentity } from './remove.js';
import type { Work } from './work.js';

/** The identity is removed or disabled after this number of sweeps: the first sighting may be a short visit, or a wrong setting. */
const enoughSightings = 2;

/** The status reason of an identity that this product has disabled. Only such an identity is enabled again by the product. */
export const unservedReason = 'balena fleet not served';

/**
 * Ends a run for a device in a fleet that is not served. The record notes the device as outside. After two sweeps have missed the device,
 * the hub identity is removed or disabled, as the setting UNSERVED_IDENTITY says. The variables stay, because the fleet is not ours any more.
 *
 * @throws ProvisioningError `fleet-not-allowed` in every case; `hub-…`, `timed-out`
 */
export async function leaveFleets(work: Work, { fleet, scopes }: BalenaDevice): Promise<never> {
  const { observed, desired } = work;
  // The lease has recorded the desired scope. A scope without our variables must not stay in the record of a refused request.
  const scope = desired.service ?? '';
  if (Object.keys(scopes.get(scope)?.variables ?? {}).length === 0) work.clearedScopes.add(scope);
  const { since, sightings, isHandled } = observed.outside ?? {
    since: work.now(),
    sightings: 0,
    isHandled: false,
  };
  const seen = sightings + (work.notice === 'outside' ? 1 : 0);
  observed.outside = { since, sightings: seen, isHandled };
  if (work.notice === 'outside' && seen >= enoughSightings && !isHandled) {
    if (work.settings.unservedIdentity === 'disable') await disableIdentity(work);
    else await removeIdentity(work);
    observed.outside = { since, sightings: seen, isHandled: true };
  }
  throw new ProvisioningError(
    'fleet-not-allowed',
    `The device's fleet ${fleet} is not one of the fleets that are served (FLEETS).`,
    { step: 'validate' },
  );
}

/** Disables the identity. An identity that is disabled already, or that belongs to another program, stays as it is. */
async function disableIdentity(work: Work): Promise<void> {
  const { observed, uuid } = work;
  const identity = await work.hub('remove', (hub, ms) => hub.get(uuid, ms));
  observed.hub = identity === 'none' ? 'none' : 'exists';
  observed.hubEtag = undefined;
  if (identity === 'none' || identity.isDisabled || identity.thumbprints === null) return;
  const { thumbprints, version } = identity;
  const properties = { ...version.properties, status: 'disabled', statusReason: unservedReason };
  const answer = await work.hub('remove', (hub, ms) =>
    hub.update(uuid, thumbprints, { etag: version.etag, properties }, ms),
  );
  if (answer === 'changed')
    throw new ProvisioningError('hub-conflict', 'Another program has changed the identity meanwhile.', {
      step: 'remove',
    });
  if (answer === 'none') observed.hub = 'none';
}

/** The version of an identity that this product has disabled, as an enabled version; null for any other identity. */
export function enabledAgain({ etag, properties }: IdentityVersion): IdentityVersion | null {
  if (properties?.statusReason !== unservedReason) return null;
  const { statusReason: _, ...kept } = properties;
  return { etag, properties: { ...kept, status: 'enabled' } };
}
