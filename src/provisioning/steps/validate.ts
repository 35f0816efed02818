import type { BalenaDevice, ScopedVariables } from '../../balena/types.js';
import { ProvisioningError } from '../../shared/errors.js';
import type { Work } from './work.js';

/**
 * Finds the device in balena, with one request. After an empty answer, a second request finds out whether our key sees the device's fleet, or
 * any fleet if the device was never seen. The latter is remembered for a minute.
 *
 * @returns null if balena does not have the device
 * @throws ProvisioningError `device-not-visible` if the answer is empty and our key does not see the fleet: the fleet may have been
 * deleted, or our key has lost the fleet; `balena-unauthorized` if our key sees no fleet at all
 */
export async function findDevice(work: Work): Promise<BalenaDevice | null> {
  const device = await work.balena('validate', (balena) => balena.findDevice(work.uuid));
  if (device) {
    work.sight.note();
    work.observed.fleet = device.fleet;
    for (const scope of work.scopes) {
      if (!device.scopes.has(scope)) work.clearedScopes.add(scope);
    }
    return device;
  }
  const { fleet } = work.observed;
  if (work.notice === 'fleet-deleted') return null;
  if (fleet === null && work.desired.present && work.sight.isFresh()) return null;
  const isVisible = await work.balena('validate', async (balena) => {
    const isSeen = await balena.seesFleet(fleet);
    // The circuit counts this error, so the error belongs to the call.
    if (!isSeen && fleet === null && work.desired.present) throw noFleetIsVisible();
    return isSeen;
  });
  if (!isVisible) throw neitherIsVisible(fleet, work.desired.present);
  work.sight.note();
  return null;
}

/** A key without any fleet is no key for devices. */
function noFleetIsVisible(): ProvisioningError {
  return new ProvisioningError(
    'balena-unauthorized',
    'Our balena API key does not see any fleet: check BALENA_API_KEY.',
    { step: 'validate' },
  );
}

/**
 * balena does not tell a deleted fleet from a fleet that the key may not see any more. The error counts as an attempt, so that the work
 * ends and shows what an operator has to decide. Other fleets are not concerned.
 */
function neitherIsVisible(fleet: string | null, present: boolean): ProvisioningError {
  const what = fleet === null ? 'any fleet' : `its fleet ${fleet}`;
  const message = present
    ? `The hub identity was left as it is. If the fleet was deleted, remove its identities: provisioner sweep --fleet ${fleet} --allow-gone. Otherwise check BALENA_API_KEY and its rights, and replay.`
    : 'The hub identity has been removed. If the fleet was deleted, discard this request. Otherwise check BALENA_API_KEY and replay: the device still has its variables.';
  return new ProvisioningError(
    'device-not-visible',
    `balena shows neither the device nor ${what}. ${message}`,
    { step: 'validate' },
  );
}

/** Whether the device's fleet is served. The record notes the last served fleet. */
export function isServed(work: Work, device: BalenaDevice): boolean {
  const { fleets } = work.settings;
  if (fleets && !fleets.includes(device.fleet)) return false;
  work.observed.servedFleet = device.fleet;
  delete work.observed.outside;
  return true;
}

/**
 * Finds the desired service among the services of the device's fleet.
 *
 * @returns the scope for the device's variables, with the variables that the scope has now
 * @throws ProvisioningError `service-not-found`
 */
export function findScope(work: Work, device: BalenaDevice): ScopedVariables {
  const service = work.desired.service ?? '';
  const scopedVariables = device.scopes.get(service);
  if (scopedVariables) return scopedVariables;
  const names = [...device.scopes.keys()].filter((name) => name !== '');
  const present = names.length > 0 ? `its services are ${names.join(', ')}` : 'it has no services yet';
  throw new ProvisioningError(
    'service-not-found',
    `The device has no service named "${service}": ${present}.`,
    { step: 'validate', mayAppear: names.length === 0 },
  );
}
