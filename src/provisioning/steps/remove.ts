import type { BalenaDevice } from '../../balena/types.js';
import { readPair } from '../../certificates/read.js';
import type { Step } from '../../shared/errors.js';
import { clear, clearForeignServices } from './clear.js';
import { readBack } from './readBack.js';
import type { Work } from './work.js';

/**
 * Removes the hub identity, our variables in every scope that may hold them, and every pair that is issued to this device, also in
 * services of other applications than the device's fleet.
 *
 * The identity is removed before the first request to balena. Even if balena does not answer, or our key does not see the fleet, the hub
 * must not accept the certificate. A variable counts as removed only after balena has shown that the variable is gone.
 *
 * @param find returns the device; null if balena does not have the device, and no variables are left
 * @throws ProvisioningError `hub-…`, `balena-…`, `timed-out`, `device-not-visible`
 */
export async function remove(work: Work, find: () => Promise<BalenaDevice | null>): Promise<void> {
  await removeIdentity(work);
  const device = await find();
  const isThere = device !== null && (await clearAll(work, device, 'remove'));
  // The variables were deleted with the device. A device that is to be present may come into sight again, with its variables.
  if (!isThere && !work.desired.present) for (const scope of work.scopes) work.clearedScopes.add(scope);
  Object.assign(work.observed, noCertificate);
  delete work.observed.outside;
  delete work.observed.issued;
}

/** Removes all our variables. @returns false if balena does not have the device any more */
export async function clearAll(work: Work, device: BalenaDevice, step: Step): Promise<boolean> {
  const untracked = [...device.scopes].filter(
    ([scope, scopedVariables]) => !work.scopes.includes(scope) && readPair(scopedVariables, work.uuid),
  );
  // The record must list every scope with our variables before the first half of a pair is removed.
  if (untracked.length > 0) await work.recordScopes(untracked.map(([scope]) => scope));
  const cleared = await clear(work, device, work.scopes, step);
  const clearedElsewhere = await clearForeignServices(work, device, step);
  return readBack(work, [...cleared, ...clearedElsewhere], step);
}

/**
 * An identity that does not exist counts as removed. After an explicit request the hub is asked even if the record says that there is
 * no identity, unless an earlier run of the same request has removed the identity.
 */
export async function removeIdentity(work: Work): Promise<void> {
  const { observed, desired } = work;
  if ((desired.present || work.isRetry) && observed.hub === 'none' && !work.forceVerify) return;
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
