import type { BalenaDevice } from '../../balena/types.js';
import { readCertificate } from '../../certificates/read.js';
import type { VariableScope } from '../../device/record.js';
import type { Step } from '../../shared/errors.js';
import type { Work } from './work.js';

/** Removes our two variables from scopes. A variable or a scope that does not exist counts as removed. */
export async function clear(
  work: Work,
  device: BalenaDevice,
  scopes: Iterable<VariableScope>,
  step: Step = 'store',
): Promise<void> {
  for (const scope of scopes) {
    for (const variable of Object.values(device.scopes.get(scope)?.variables ?? {})) {
      await work.balena(step, (balena) => balena.remove(scope, variable));
    }
    work.clearedScopes.add(scope);
  }
}

/**
 * Removes our two variables from services of other applications than the device's fleet, for example of the host OS. Earlier versions
 * of this product knew services by name only, and stored credentials there. The device's containers never see these variables.
 *
 * A certificate of another subject is not ours, and stays with the key beside it. A key without a certificate is the rest of an
 * interrupted run, and is removed.
 */
export async function clearForeignServices(
  work: Work,
  device: BalenaDevice,
  step: Step = 'store',
): Promise<void> {
  for (const { name, variables } of device.foreignServices) {
    const certificate = variables.AZURE_CERT?.value;
    if (certificate !== undefined && !readCertificate(certificate, work.uuid)) continue;
    for (const variable of Object.values(variables))
      await work.balena(step, (balena) => balena.remove(name, variable));
  }
}
