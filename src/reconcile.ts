import { ProvisioningError } from './ProvisioningError.js';
import { choose } from './steps/choose.js';
import { clean } from './steps/clean.js';
import { register } from './steps/register.js';
import { remove } from './steps/remove.js';
import { store } from './steps/store.js';
import { allow, look } from './steps/validate.js';
import type { Work } from './worker/Work.js';

/**
 * Brings a device to what its record says it should be: validate, mint, register, store; or remove. Every step looks first
 * and does only what is missing, so that it can run again from any point at which it was interrupted.
 *
 * @throws ProvisioningError; what was found out until then stands in `work`
 */
export async function reconcile(work: Work): Promise<void> {
  const device = await look(work);
  if (!work.desired.present) return remove(work, device);
  if (!device) {
    // A certificate that no one holds must not open the hub.
    await remove(work, null);
    throw new ProvisioningError('device-not-found', 'balena knows no device with this UUID.', {
      retry: 'never',
      step: 'validate',
    });
  }
  const spot = allow(work, device);
  // What the device holds already, if it is good; a freshly minted pair otherwise.
  const { credentials, held } = await choose(work, device);
  // Before they are stored: the other order would cut a device off while its credentials change.
  await register(work, credentials.thumbprint, held);
  await store(work, spot, credentials, held);
  await clean(
    work,
    device,
    work.places.filter((place) => place !== work.desired.service),
  );
}
