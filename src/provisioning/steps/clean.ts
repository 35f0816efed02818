import type { BalenaDevice } from '../../balena/types.js';
import type { Place } from '../../device/record.js';
import type { Step } from '../../shared/errors.js';
import type { Work } from '../work.js';

/** Removes our two variables from places; a variable, or a place, that is not there is fine. */
export async function clean(
  work: Work,
  device: BalenaDevice,
  places: Iterable<Place>,
  step: Step = 'store',
): Promise<void> {
  for (const place of places) {
    for (const variable of Object.values(device.spots.get(place)?.variables ?? {})) {
      await work.balena(step, (balena) => balena.remove(place, variable));
    }
    work.cleaned.add(place);
  }
}
