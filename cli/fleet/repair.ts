import type { OwnKey, VariableScope } from '../../src/device/record.js';
import type { ListingDependencies } from '../../src/fleet/list.js';
import { type AcceptDependencies, accept, acceptNew, acceptRotation } from '../../src/provisioning/accept.js';
import { requestCheck } from '../../src/provisioning/check.js';
import { retryWithBackoff } from '../../src/shared/retry.js';
import type { Finding } from './finding.js';

export type RepairDependencies = AcceptDependencies & ListingDependencies;

/** The limits of a repair. */
export interface RepairOptions {
  /**
   * True to remove identities of devices without a known fleet, too. Use this only with a key for all fleets on the hub: a device of any
   * other fleet loses its connection. Default: false; an operator decides about these identities.
   */
  removeUnknown?: boolean;
}

/**
 * The result of a repair. `requested`: the repair is in the queue. `outdated`: nothing was done, because the device has a newer request or
 * the disagreement is gone. `by-hand`: nothing was done, because an operator must decide.
 */
export type Repaired = 'requested' | 'outdated' | 'by-hand';

/**
 * Requests the fix of a finding. Operators may take hours to confirm a repair, and meanwhile the device may be deprovisioned or moved.
 * A newer request therefore wins over the finding. A second repair of the same finding does no harm.
 *
 * @throws ProvisioningError `records-unavailable`, `queue-unavailable`, `balena-…`, after some retries
 */
export async function repair(
  deps: RepairDependencies,
  { uuid, fix, requestId }: Finding,
  { removeUnknown = false }: RepairOptions = {},
): Promise<Repaired> {
  const { clock, balena, records } = deps;
  if (fix.how === 'by-hand') return 'by-hand';
  const record = (await retryWithBackoff(clock, () => records.read(uuid)))?.value ?? null;
  if ((record?.desired.requestId ?? null) !== requestId) return 'outdated';
  switch (fix.how) {
    case 'check':
      await retryWithBackoff(clock, () => requestCheck(deps, uuid, { forceVerify: true }));
      return 'requested';
    case 'adopt': {
      const accepted = await retryWithBackoff(clock, () => acceptNew(deps, uuid, fix.service));
      return accepted ? 'requested' : 'outdated';
    }
    case 'remove-unknown':
    case 'remove':
      if (fix.how === 'remove-unknown' && !removeUnknown) return 'by-hand';
      // A worker deprovisions a device without further checks, so balena is queried once more here.
      if ((await retryWithBackoff(clock, () => balena.fleetsOf([uuid]))).has(uuid)) return 'outdated';
      // A device in a fleet outside the key's view is always missing in balena's answer.
      if (!(await retryWithBackoff(clock, () => balena.seesFleet(record?.observed.fleet ?? null))))
        return 'by-hand';
      await retryWithBackoff(clock, () => accept(deps, { uuid, present: false }));
      return 'requested';
    case 'retire': {
      const { service, thumbprint } = fix;
      // The record does not contain the hub's thumbprints, so the worker must read the identity (forceVerify).
      const request = {
        uuid,
        present: true,
        ...placeOf(service, record?.desired.own),
        retire: thumbprint,
        revoke: true,
        forceVerify: true,
      } as const;
      const answer = await retryWithBackoff(clock, () => acceptRotation(deps, request));
      // The device is to be absent, or elsewhere, by now.
      if (!answer) return 'outdated';
      const { kind } = answer;
      // The record already retires this thumbprint, but the hub accepts the thumbprint again. A new request would change nothing, so a check is
      // requested.
      const isUnchanged = kind === 'already-provisioned' || kind === 'checking';
      if (isUnchanged) await retryWithBackoff(clock, () => requestCheck(deps, uuid, { forceVerify: true }));
      return kind === 'accepted' || isUnchanged ? 'requested' : 'outdated';
    }
  }
}

/** The place of a device that stays where it is. */
function placeOf(service: VariableScope | null, own: OwnKey | undefined) {
  return own ? ({ service: null, own } as const) : { service: service ?? '' };
}
