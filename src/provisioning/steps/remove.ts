import type { BalenaDevice } from '../../balena/types.js';
import { readPair } from '../../certificates/read.js';
import { clear, clearForeignServices } from './clear.js';
import type { Work } from './work.js';

/**
 * Removes the hub identity, our variables in every scope that may hold them, and every pair that is issued to this device, also in
 * services of other applications than the device's fleet.
 *
 * The identity is removed before the first request to balena. Even if balena does not answer, or our key does not see the fleet, the hub
 * must not accept the certificate.
 *
 * @param find returns the device; null if balena does not have the device, and no variables are left
 * @throws ProvisioningError `hub-…`, `balena-…`, `timed-out`, `device-not-visible`
 */
export async function remove(work: Work, find: () => Promise<BalenaDevice | null>): Promise<void> {
  await removeIdentity(work);
  const device = await find();
  if (device) {
    const scopesWithPair = [...device.scopes]
      .filter(([, scopedVariables]) => readPair(scopedVariables, work.uuid))
      .map(([scope]) => scope);
    await clear(work, device, new Set([...work.scopes, ...scopesWithPair]), 'remove');
    await clearForeignServices(work, device, 'remove');
  }
  Object.assign(work.observed, noCertificate);
}

/**
 * An identity that does not exist counts as removed. After an explicit request the hub is asked even if the record says that there is
 * no identity.
 */
export async function removeIdentity(work: Work): Promise<void> {
  const { observed, desired } = work;
  if (desired.present && observed.hub === 'none' && !work.forceVerify) return;
  await work.hub('remove', (hub, ms) => {
    observed.hub = 'unknown';
    return hub.remove(work.uuid, ms);
  });
  observed.hub = 'none';
  observed.hubEtag = undefined;
}

const noCertificate = {
  thumbprint: null,
  previous: null,
  service: null,
  notBefore: null,
  notAfter: null,
  keyAlgorithm: null,
} satisfies Partial<Work['observed']>;
