import { ProvisioningError } from '../shared/errors.js';
import { choose } from './steps/choose.js';
import { clear, clearForeignServices } from './steps/clear.js';
import { leaveFleets } from './steps/leaveFleets.js';
import { register } from './steps/register.js';
import { remove } from './steps/remove.js';
import { store } from './steps/store.js';
import { findDevice, findScope, isServed } from './steps/validate.js';
import type { Work } from './steps/work.js';

/**
 * Brings a device to its desired state: validate, mint, register, store; or remove. Each step does only what is missing, so a later run
 * can start again after any interruption.
 *
 * @throws ProvisioningError; the findings so far are in `work`
 */
export async function reconcile(work: Work): Promise<void> {
  const { desired, looksOnly } = work;
  if (!desired.present && !looksOnly) return remove(work, () => findDevice(work));
  const device = await findDevice(work);
  if (!device) {
    // The hub must not accept a certificate that no device holds. If the device was never seen, the identity stays: the identity may
    // belong to another owner, and a caller must not be able to remove an identity by a request for a device that our key does not see.
    if (work.observed.fleet !== null) await remove(work, async () => null);
    if (!desired.present) return;
    throw new ProvisioningError('device-not-found', 'balena has no device with this UUID.', {
      step: 'validate',
    });
  }
  if (!desired.present) return;
  if (!isServed(work, device)) return leaveFleets(work, device.fleet);
  if (looksOnly) return;
  // The key in another application's service is removed even if the run fails afterwards.
  await clearForeignServices(work, device);
  const scopedVariables = findScope(work, device);
  // The pair that the device already holds, if that pair can stay; otherwise a new pair.
  const { credentials, held, untrackedScopes } = await choose(work, device);
  // The record must list every scope with our variables before the first variable is moved. A later run can then remove the rest.
  if (untrackedScopes.length > 0) await work.recordScopes(untrackedScopes);
  // The hub accepts the new certificate before the device gets the certificate. The other order would cut the device off.
  await register(work, credentials.thumbprint, held);
  await store(work, scopedVariables, credentials, held);
  const otherScopes = work.scopes.filter((scope) => scope !== work.desired.service);
  await clear(work, device, otherScopes);
}
