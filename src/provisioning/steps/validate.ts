import type { BalenaDevice, ScopedVariables } from '../../balena/types.js';
import { ProvisioningError } from '../../shared/errors.js';
import { productMetrics } from '../../telemetry/metrics.js';
import type { Work } from './work.js';

/**
 * Finds the device in balena, with one request.
 *
 * @returns null if balena does not have the device
 * @throws ProvisioningError `balena-unauthorized` if the answer is empty because our key does not see the fleet any more;
 * `device-not-visible` in the same case for a device that is to be removed: the fleet may have been deleted
 */
export async function findDevice(work: Work): Promise<BalenaDevice | null> {
  const device = await work.balena('validate', (balena) => balena.findDevice(work.uuid));
  if (device) {
    work.observed.fleet = device.fleet;
    for (const scope of work.scopes) {
      if (!device.scopes.has(scope)) work.clearedScopes.add(scope);
    }
    return device;
  }
  const { fleet } = work.observed;
  if (!(await work.balena('validate', (balena) => balena.seesFleet(fleet)))) {
    if (!work.desired.present) throw neitherIsVisible(fleet);
    productMetrics().credentialsRejected('balena');
    throw fleetIsNotVisible(fleet);
  }
  // The variables were deleted with the device.
  for (const scope of work.scopes) work.clearedScopes.add(scope);
  return null;
}

function fleetIsNotVisible(fleet: string | null): ProvisioningError {
  const what = fleet === null ? 'any fleet' : `the fleet ${fleet}`;
  return new ProvisioningError(
    'balena-unauthorized',
    `Our balena API key does not see ${what}: check BALENA_API_KEY.`,
    { step: 'validate' },
  );
}

/** The error for a deprovisioning. The error counts as an attempt, so that the request ends: the fleet may never become visible again. */
function neitherIsVisible(fleet: string | null): ProvisioningError {
  const what = fleet === null ? 'any fleet' : `its fleet ${fleet}`;
  return new ProvisioningError(
    'device-not-visible',
    `balena shows neither the device nor ${what}. The hub identity has been removed. If the fleet was deleted, discard this request. Otherwise check BALENA_API_KEY and replay: the device still has its variables.`,
    { step: 'validate' },
  );
}

/**
 * Checks that the device's fleet is served.
 *
 * @throws ProvisioningError `fleet-not-allowed`
 */
export function expectServedFleet(work: Work, device: BalenaDevice): void {
  const { fleets } = work.settings;
  if (fleets && !fleets.includes(device.fleet)) {
    // The lease has recorded the desired scope. A scope without our variables must not stay in the record of a refused request.
    const scope = work.desired.service ?? '';
    if (Object.keys(device.scopes.get(scope)?.variables ?? {}).length === 0) work.clearedScopes.add(scope);
    throw new ProvisioningError(
      'fleet-not-allowed',
      `The device's fleet ${device.fleet} is not one of the fleets that are served (FLEETS).`,
      { step: 'validate' },
    );
  }
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
