import type { ScopedVariables } from '../balena/types.js';
import type { Credentials } from '../certificates/mint.js';
import { acceptsRevoked, isToRevoke } from '../device/state.js';
import { ProvisioningError } from '../shared/errors.js';
import { reconcileOwn } from './reconcileOwn.js';
import { choose } from './steps/choose.js';
import { clear, clearForeignServices } from './steps/clear.js';
import { leaveFleets } from './steps/leaveFleets.js';
import { readBack } from './steps/readBack.js';
import { register, revoke } from './steps/register.js';
import { remove } from './steps/remove.js';
import { missingValues, noteStored, proveRight, store } from './steps/store.js';
import { findDevice, findScope, isServed } from './steps/validate.js';
import type { Work } from './steps/work.js';

/**
 * Brings a device to its desired state: validate, mint, register, store; or remove. With an own key: validate, sign (a certificate request),
 * register. Each step does only what is missing, so a later run can start again after any interruption.
 *
 * @throws ProvisioningError; the findings so far are in `work`
 */
export async function reconcile(work: Work): Promise<void> {
  const { desired, looksOnly } = work;
  if (!desired.present && !looksOnly) return remove(work, () => findDevice(work));
  const device = await findDevice(work);
  if (!device && !desired.present) return removeMissingDevice(work);
  if (!device) return leaveMissingDevice(work);
  if (!desired.present) return;
  if (!isServed(work, device)) return leaveFleets(work, device);
  if (looksOnly) return;
  if (desired.own) {
    work.validated = true;
    if (!(await reconcileOwn(work, desired.own, device))) await leaveMissingDevice(work);
    return;
  }
  // The key in another application's service is removed even if the run fails afterwards.
  const clearedElsewhere = await clearForeignServices(work, device);
  const foundVariables = findScope(work, device);
  work.validated = true;
  // The pair that the device already holds, if that pair can stay; otherwise a new pair.
  const { credentials, held, untrackedScopes } = await choose(work, device);
  // The record must list every scope with our variables before the first variable is moved. A later run can then remove the rest.
  if (untrackedScopes.length > 0) await work.recordScopes(untrackedScopes);
  const scopedVariables = await proveRight(work, foundVariables, credentials);
  // The hub accepts the new certificate before the device gets the certificate. The other order would cut the device off.
  const isShown = missingValues(scopedVariables, credentials).length === 0;
  await register(work, credentials.thumbprint, held, isShown);
  await expectShown(work, scopedVariables, credentials, held);
  // The pair leaves the other scopes after balena has shown the pair in the desired scope.
  const otherScopes = work.scopes.filter((scope) => scope !== work.desired.service);
  const cleared = await clear(work, device, otherScopes);
  if (!(await readBack(work, [...clearedElsewhere, ...cleared], 'store'))) await leaveMissingDevice(work);
}

/** Stores the pair. Balena must show the pair before the pair counts as stored, and before the hub stops accepting a revoked thumbprint. */
async function expectShown(
  work: Work,
  scopedVariables: ScopedVariables,
  credentials: Credentials,
  held: readonly string[],
): Promise<void> {
  const stored = await store(work, scopedVariables, credentials, held);
  const revokes = stored.length > 0 && acceptsRevoked(work.desired, work.observed.hub);
  if (!(await readBack(work, stored, 'store', revokes))) await leaveMissingDevice(work);
  noteStored(work, credentials);
  if (revokes) await revoke(work, credentials.thumbprint, held);
  // A revoked thumbprint must not become the identity's second thumbprint at the next rotation.
  if (isToRevoke(work.desired, work.observed.previous)) work.observed.previous = null;
}

/**
 * Removes the identity of a device that balena does not have: the hub must not accept a certificate that no device holds. If the device was
 * never seen, the identity stays: the identity may belong to another owner, and a caller must not be able to remove an identity by a request
 * for a device that our key does not see.
 */
async function removeMissingDevice(work: Work): Promise<void> {
  if (work.observed.fleet !== null) await remove(work, async () => null);
}

/**
 * Ends a run for a device that balena does not have. The identity is removed.
 *
 * @throws ProvisioningError `device-not-found`, always; `hub-…`, `timed-out`
 */
async function leaveMissingDevice(work: Work): Promise<never> {
  await removeMissingDevice(work);
  throw new ProvisioningError('device-not-found', 'balena has no device with this UUID.', {
    step: 'validate',
    mayAppear: work.observed.fleet === null,
  });
}
