import type { BalenaDevice } from '../../balena/types.js';
import type { VariableScope } from '../../device/record.js';
import type { Step } from '../../shared/errors.js';
import type { Work } from '../work.js';

/** Removes our two variables from places; a variable, or a place, that is not there is fine. */
export async function clean(
  work: Work,
  device: BalenaDevice,
  scopes: Iterable<VariableScope>,
  step: Step = 'store',
): Promise<void> {
  for (const scope of scopes) {
    for (const variable of Object.values(device.scopes.get(scope)?.variables ?? {})) {
      await work.balena(step, (balena) => balena.remove(scope, variable));
    }
    work.cleaned.add(scope);
  }
}
