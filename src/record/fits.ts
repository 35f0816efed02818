import type { DeviceRecord, HubKnowledge } from './DeviceRecord.js';

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
