import { ProvisioningError } from '../shared/errors.js';
import { choose } from './steps/choose.js';
import { clean } from './steps/clean.js';
import { register } from './steps/register.js';
import { remove } from './steps/remove.js';
import { store } from './steps/store.js';
import { allow, look } from './steps/validate.js';
import type { Work } from './work.js';

/**
 * Brings a device to what its record says it should be: validate, mint, register, store; or remove. Every step looks first
 * and does only what is missing, so that it can run again from any point at which it was interrupted.
 *
 * @throws ProvisioningError; what was found out until then stands in `work`
 */
export async function reconcile(work: Work): Promise<void> {
  if (!work.desired.present) return remove(work, () => look(work));
  const device = await look(work);
  if (!device) {
    // A certificate that no one holds must not open the hub. Of a device that was never seen nothing is known to be ours: whoever
    // may ask for devices must not be able to remove an identity by asking for one that our key does not see.
    if (work.observed.fleet !== null) await remove(work, async () => null);
    throw new ProvisioningError('device-not-found', 'balena knows no device with this UUID.', {
      retry: 'never',
      step: 'validate',
    });
  }
  const scopedVariables = allow(work, device);
  // What the device holds already, if it is good; a freshly minted pair otherwise.
  const { credentials, held, untrackedScopes } = await choose(work, device);
  // Before anything is moved from there: whoever goes on after this run must know where there is something to remove.
  if (untrackedScopes.length > 0) await work.remember(untrackedScopes);
  // Before they are stored: the other order would cut a device off while its credentials change.
  await register(work, credentials.thumbprint, held);
  await store(work, scopedVariables, credentials, held);
  await clean(
    work,
    device,
    work.scopes.filter((scope) => scope !== work.desired.service),
  );
}
