import type { BalenaDevice } from '../../balena/types.js';
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
