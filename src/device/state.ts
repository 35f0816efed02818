import type { DeviceRequest } from '../provisioning/accept.js';
import type { DeviceRecord, HubState, Job, Observed } from './record.js';

/** Is work owed, and not given up? */
export function isPending(job: Job | null): job is Job {
  return job !== null && !job.dead;
}

/** Does the hub, as far as is known, accept this thumbprint? */
export function hubAccepts(hub: HubState, thumbprint: string): boolean {
  return Array.isArray(hub) && hub.includes(thumbprint);
}

/** Is the device, as it was last observed, what it should be? */
export function isInDesiredState(record: DeviceRecord): boolean {
  const { desired, observed, scopes, job } = record;
  if (job?.dead) return false;
  if (!desired.present) return observed.hub === 'none' && observed.thumbprint === null && scopes.length === 0;
  return (
    observed.thumbprint !== null &&
    observed.service === desired.service &&
    hubAccepts(observed.hub, observed.thumbprint) &&
    scopes.every((scope) => scope === observed.service) &&
    observed.thumbprint !== desired.retire &&
    !(desired.revoke && desired.retire !== undefined && hubAccepts(observed.hub, desired.retire))
  );
}

/**
 * The thumbprint of the certificate that a device uses, as far as is known; null if it has none. While a pair is being stored, and
 * after a run that failed in the middle of it, the record has no thumbprint: the device still uses the one before.
 */
export function heldThumbprint({
  thumbprint,
  previous,
}: Pick<Observed, 'thumbprint' | 'previous'>): string | null {
  return thumbprint ?? previous;
}

/** Was a new pair begun to be stored, and not to its end? Its dates are then those of the certificate before, as far as is known. */
export function isHalfStored({ thumbprint, previous }: Pick<Observed, 'thumbprint' | 'previous'>): boolean {
  return thumbprint === null && previous !== null;
}

/** What the record's request asks for, in the words of the API. */
export function operationOf({
  desired,
}: Pick<DeviceRecord, 'desired'>): 'provision' | 'rotate' | 'deprovision' {
  if (!desired.present) return 'deprovision';
  return desired.retire === undefined ? 'provision' : 'rotate';
}

export type State = 'queued' | 'working' | 'retrying' | 'provisioned' | 'deprovisioned' | 'failed';

/**
 * The record's state, for people. Nothing decides by it.
 *
 * @param now Unix ms
 */
export function stateOf(record: DeviceRecord, now: number): State {
  const { job, lease, desired } = record;
  if (isPending(job) && job.kind === 'change') {
    if (lease && !lease.left && now < lease.until) return 'working';
    return record.error ? 'retrying' : 'queued';
  }
  if (!isInDesiredState(record)) return 'failed';
  return desired.present ? 'provisioned' : 'deprovisioned';
}

/** Is what is asked for what the record says already: present or absent, the service, and nothing new to retire or revoke? */
export function sameDesired(requested: DeviceRequest, { desired }: DeviceRecord): boolean {
  if (requested.present !== desired.present) return false;
  if (!requested.present) return true;
  if (requested.service !== desired.service) return false;
  if (requested.retire === undefined) return true;
  return requested.retire === desired.retire && (!requested.revoke || desired.revoke === true);
}
