import type { BalenaDevice, ScopedVariables, Variable, VariableName } from '../../balena/types.js';
import { readCertificate } from '../../certificates/read.js';
import type { VariableScope } from '../../device/record.js';
import type { Step } from '../../shared/errors.js';
import type { Change, Work } from './work.js';

/**
 * Removes our two variables from scopes. A variable or a scope that does not exist counts as removed. A scope from which a variable was
 * removed counts as cleared only after `readBack`.
 */
export async function clear(
  work: Work,
  device: BalenaDevice,
  scopes: Iterable<VariableScope>,
  step: Step = 'store',
): Promise<Change[]> {
  const changes: Change[] = [];
  for (const scope of scopes) {
    const removed = await removeAll(
      work,
      device.scopes.get(scope)?.variables ?? {},
      { scope, isForeign: false },
      step,
    );
    if (removed.length === 0) work.clearedScopes.add(scope);
    changes.push(...removed);
  }
  return changes;
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
): Promise<Change[]> {
  const changes: Change[] = [];
  for (const { name, variables } of device.foreignServices) {
    const certificate = variables.AZURE_CERT?.value;
    if (certificate !== undefined && !readCertificate(certificate, work.uuid)) continue;
    changes.push(...(await removeAll(work, variables, { scope: name, isForeign: true }, step)));
  }
  return changes;
}

async function removeAll(
  work: Work,
  variables: ScopedVariables['variables'],
  place: Pick<Change, 'scope' | 'isForeign'>,
  step: Step,
): Promise<Change[]> {
  const changes: Change[] = [];
  for (const [name, variable] of Object.entries(variables) as [VariableName, Variable][]) {
    await work.balena(step, (balena) => balena.remove(place.scope, variable));
    changes.push({ ...place, name, value: null, replaced: variable });
  }
  return changes;
}
