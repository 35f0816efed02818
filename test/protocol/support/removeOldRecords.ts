import type { BalenaDevice } from '../../../src/balena/types.js';
import { type RemovalDependencies, removeRecords } from '../../../src/provisioning/removeRecords.js';
import { ProvisioningError } from '../../../src/shared/errors.js';
import type { System } from './createSystem.js';
import { request } from './request.js';
import type { Running } from './startProcess.js';

/** Removes old records, as the timer does. A failure of balena ends the run, and the next run tries again. */
export async function removeOldRecords(system: System, running: Running): Promise<void> {
  try {
    await removeRecords({ ...running.deps, balena: balenaOf(system, running) });
  } catch (error) {
    if (!(error instanceof ProvisioningError) || error.code !== 'balena-unavailable') throw error;
  }
}

/** balena for all devices. While a fleet is hidden from the key, balena shows no device of the fleet. */
function balenaOf({ world, cloud }: System, { process }: Running): RemovalDependencies['balena'] {
  const isHidden = world.chance(0.1);
  const call = <R>(effect: () => R) =>
    request(world, process, {
      fate: world.fails(0.05)
        ? { kind: 'refused', error: new ProvisioningError('balena-unavailable', 'Away (fake).') }
        : { kind: 'answered' },
      effect,
    });
  return {
    findDevice: (uuid) =>
      call(() => {
        const { gone, late } = cloud.device(uuid);
        const isMissing = late?.what === 'device' && world.now < late.until;
        return gone || isMissing || isHidden ? null : ({} as BalenaDevice);
      }),
    seesFleet: () => call(() => !isHidden),
  };
}
