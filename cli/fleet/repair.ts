import type { ListingDependencies } from '../../src/fleet/list.js';
import { type AcceptDependencies, accept, acceptNew } from '../../src/provisioning/accept.js';
import { check } from '../../src/provisioning/check.js';
import { retryWithBackoff } from '../../src/shared/retry.js';
import type { Finding } from './finding.js';

export type RepairDependencies = AcceptDependencies & ListingDependencies;

export interface RepairOptions {
  /**
   * Remove also the identities of devices of which nobody knows the fleet. Only where our key sees all fleets that use the hub: any
   * other device is cut off by it. Default: those are for people.
   */
  removeUnknown?: boolean;
}

/** What was done about a finding: work was put into the queue, or nothing, because something else was asked for by now, or it is settled, or for people. */
export type Repaired = 'requested' | 'not-any-more' | 'by-hand';

/**
 * Has the queue mend what an audit found. What was asked for since then stands: people may take hours to agree to a repair, and the device may
 * have been deprovisioned or moved. To repair a finding twice does no harm.
 *
 * @throws ProvisioningError `records-unavailable`, `queue-unavailable`, `balena-…`, after some patience
 */
export async function repair(
  deps: RepairDependencies,
  { uuid, fix, requestId }: Finding,
  { removeUnknown = false }: RepairOptions = {},
): Promise<Repaired> {
  const { clock, balena, records } = deps;
  if (fix.how === 'by-hand') return 'by-hand';
  const record = (await retryWithBackoff(clock, () => records.read(uuid)))?.value ?? null;
  if ((record?.desired.requestId ?? null) !== requestId) return 'not-any-more';
  switch (fix.how) {
    case 'check':
      await retryWithBackoff(clock, () => check(deps, uuid, true));
      return 'requested';
    case 'adopt': {
      const taken = await retryWithBackoff(clock, () => acceptNew(deps, uuid, fix.service));
      return taken ? 'requested' : 'not-any-more';
    }
    case 'remove-unknown':
    case 'remove':
      if (fix.how === 'remove-unknown' && !removeUnknown) return 'by-hand';
      // The worker does not ask whether it is right: what is asked for is done. So balena is asked once more here.
      if ((await retryWithBackoff(clock, () => balena.fleetsOf([uuid]))).has(uuid)) return 'not-any-more';
      // That balena does not show it means nothing in a fleet that our key does not see.
      if (!(await retryWithBackoff(clock, () => balena.seesFleet(record?.observed.fleet ?? null))))
        return 'by-hand';
      await retryWithBackoff(clock, () => accept(deps, { uuid, present: false }));
      return 'requested';
    case 'retire': {
      const { service, thumbprint } = fix;
      // The record does not know what the hub accepts, so the worker must ask.
      const requested = {
        uuid,
        present: true,
        service,
        retire: thumbprint,
        revoke: true,
        forceVerify: true,
      } as const;
      const { kind } = await retryWithBackoff(clock, () => accept(deps, requested));
      // It was retired before, and came back: what is desired is the same.
      if (kind === 'already-provisioned') await retryWithBackoff(clock, () => check(deps, uuid, true));
      return kind === 'accepted' || kind === 'already-provisioned' ? 'requested' : 'not-any-more';
    }
  }
}
