import type { BalenaDevice, ScopedVariables } from '../../balena/types.js';
import { ProvisioningError } from '../../shared/errors.js';
import { productMetrics } from '../../telemetry/metrics.js';
import type { Work } from '../work.js';

/**
 * Looks the device up in balena, with one request.
 *
 * @returns null if balena does not know it
 * @throws ProvisioningError `balena-unauthorized` if balena shows nothing because our key does not see the fleet any more;
 * `device-not-found`, to be tried again, for one that is to be removed: its whole fleet may have been deleted
 */
export async function look(work: Work): Promise<BalenaDevice | null> {
  const device = await work.balena('validate', (balena) => balena.findDevice(work.uuid));
  if (!device) {
    const { fleet } = work.observed;
    if (!(await work.balena('validate', (balena) => balena.seesFleet(fleet)))) {
      if (!work.desired.present) throw neitherIsSeen(fleet);
      productMetrics().credentialsRejected('balena');
      const what = fleet === null ? 'any fleet' : `the fleet ${fleet}`;
      throw new ProvisioningError(
        'balena-unauthorized',
        `Our balena API key does not see ${what}: check BALENA_API_KEY.`,
        {
          retry: 'later',
          step: 'validate',
        },
      );
    }
    // Its variables are gone with it.
    for (const scope of work.scopes) work.cleaned.add(scope);
    return null;
  }
  work.observed.fleet = device.fleet;
  for (const scope of work.scopes) {
    if (!device.scopes.has(scope)) work.cleaned.add(scope);
  }
  return device;
}

/** It counts as an attempt, so that it ends: that nothing is seen may never change. */
function neitherIsSeen(fleet: string | null): ProvisioningError {
  const what = fleet === null ? 'any fleet' : `its fleet ${fleet}`;
  return new ProvisioningError(
    'device-not-found',
    `balena shows neither the device nor ${what}. Its hub identity is gone. If the fleet was deleted, discard this; otherwise check BALENA_API_KEY, and replay it: its variables are still there.`,
    { retry: 'later', step: 'validate' },
  );
}

/**
 * May the device be provisioned, and where do its variables belong?
 *
 * @throws ProvisioningError `fleet-not-allowed`, `service-not-found`: final
 */
export function allow(work: Work, device: BalenaDevice): ScopedVariables {
  const { fleets } = work.settings;
  const refuse = (code: 'fleet-not-allowed' | 'service-not-found', message: string) =>
    new ProvisioningError(code, message, { retry: 'never', step: 'validate' });
  if (fleets && !fleets.includes(device.fleet)) {
    throw refuse(
      'fleet-not-allowed',
      `The device's fleet ${device.fleet} is not among the fleets that are served (FLEETS).`,
    );
  }
  const service = work.desired.service ?? '';
  const scopedVariables = device.scopes.get(service);
  if (!scopedVariables) {
    const names = [...device.scopes.keys()].filter((name) => name !== '');
    const there = names.length > 0 ? `it has ${names.join(', ')}` : 'it has none';
    throw refuse('service-not-found', `The device has no service named "${service}": ${there}.`);
  }
  return scopedVariables;
}
