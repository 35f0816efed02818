import type { ListingTools } from '../../src/fleet/list.js';
import { type AcceptTools, accept, acceptNew } from '../../src/provisioning/accept.js';
import { check } from '../../src/provisioning/check.js';
import { patiently } from '../../src/shared/retry.js';
import type { Finding } from './finding.js';

export type RepairTools = AcceptTools & ListingTools;

export interface RepairOptions {
  /**
   * Remove also the identities of devices of which nobody knows the fleet. Only where our key sees all fleets that use the hub: any
   * other device is cut off by it. Default: those are for people.
   */
  removeUnknown?: boolean;
}

/** What was done about a finding: work was put into the queue, or nothing, because something else was asked for by now, or it is settled, or for people. */
export type Repaired = 'asked' | 'not-any-more' | 'by-hand';

/**
 * Has the queue mend what an audit found. What was asked for since then stands: people may take hours to agree to a repair, and the device may
 * have been deprovisioned or moved. To repair a finding twice does no harm.
 *
 * @throws ProvisioningError `records-unavailable`, `queue-unavailable`, `balena-…`, after some patience
 */
export async function repair(
  tools: RepairTools,
  { uuid, mend, requestId }: Finding,
  { removeUnknown = false }: RepairOptions = {},
): Promise<Repaired> {
  const { clock, balena, records } = tools;
  if (mend.how === 'by-hand') return 'by-hand';
  const record = (await patiently(clock, () => records.read(uuid)))?.value ?? null;
  if ((record?.desired.requestId ?? null) !== requestId) return 'not-any-more';
  switch (mend.how) {
    case 'check':
      await patiently(clock, () => check(tools, uuid, true));
      return 'asked';
    case 'adopt': {
      const taken = await patiently(clock, () => acceptNew(tools, uuid, mend.service));
      return taken ? 'asked' : 'not-any-more';
    }
    case 'remove-unknown':
    case 'remove':
      if (mend.how === 'remove-unknown' && !removeUnknown) return 'by-hand';
      // The worker does not ask whether it is right: what is asked for is done. So balena is asked once more here.
      if ((await patiently(clock, () => balena.fleetsOf([uuid]))).has(uuid)) return 'not-any-more';
      // That balena does not show it means nothing in a fleet that our key does not see.
      if (!(await patiently(clock, () => balena.sees(record?.observed.fleet ?? null)))) return 'by-hand';
      await patiently(clock, () => accept(tools, { uuid, present: false }));
      return 'asked';
    case 'retire': {
      const { service, thumbprint } = mend;
      // The record does not know what the hub accepts, so the worker must ask.
      const asked = {
        uuid,
        present: true,
        service,
        retire: thumbprint,
        revoke: true,
        distrust: true,
      } as const;
      const { kind } = await patiently(clock, () => accept(tools, asked));
      // It was retired before, and came back: what is desired is the same.
      if (kind === 'already-provisioned') await patiently(clock, () => check(tools, uuid, true));
      return kind === 'accepted' || kind === 'already-provisioned' ? 'asked' : 'not-any-more';
    }
  }
}
