import type { Asked } from '../provisioning/accept.js';
import type { DeviceRecord, HubKnowledge, Observed, Ticket } from './record.js';

/** Is work owed, and not given up? */
export function live(ticket: Ticket | null): ticket is Ticket {
  return ticket !== null && !ticket.dead;
}

/** Does the hub, as far as is known, accept this thumbprint? */
export function accepts(hub: HubKnowledge, thumbprint: string): boolean {
  return Array.isArray(hub) && hub.includes(thumbprint);
}

/** Is the device, as it was last observed, what it should be? */
export function fits(record: DeviceRecord): boolean {
  const { desired, observed, places, ticket } = record;
  if (ticket?.dead) return false;
  if (!desired.present) return observed.hub === 'none' && observed.thumbprint === null && places.length === 0;
  return (
    observed.thumbprint !== null &&
    observed.service === desired.service &&
    accepts(observed.hub, observed.thumbprint) &&
    places.every((place) => place === observed.service) &&
    observed.thumbprint !== desired.retire &&
    !(desired.revoke && desired.retire !== undefined && accepts(observed.hub, desired.retire))
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
  const { ticket, lease, desired } = record;
  if (live(ticket) && ticket.kind === 'change') {
    if (lease && !lease.left && now < lease.until) return 'working';
    return record.error ? 'retrying' : 'queued';
  }
  if (!fits(record)) return 'failed';
  return desired.present ? 'provisioned' : 'deprovisioned';
}

/** Is what is asked for what the record says already: present or absent, the service, and nothing new to retire or revoke? */
export function sameDesired(asked: Asked, { desired }: DeviceRecord): boolean {
  if (asked.present !== desired.present) return false;
  if (!asked.present) return true;
  if (asked.service !== desired.service) return false;
  if (asked.retire === undefined) return true;
  return asked.retire === desired.retire && (!asked.revoke || desired.revoke === true);
}
