import type { Pace } from '../../../src/pace/Pace.js';
import type { System } from './createSystem.js';

/** No registry slot is given to two, unless it was given back. */
export function watchPace({ world, slots }: System, pace: Pace): Pace {
  return {
    ...pace,
    async reserve() {
      const slot = await pace.reserve();
      if (slots.has(slot)) world.violated('', 'a slot was given twice');
      slots.add(slot);
      return slot;
    },
    giveBack(slot) {
      slots.delete(slot);
      pace.giveBack(slot);
    },
  };
}
