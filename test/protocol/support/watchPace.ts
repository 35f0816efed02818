import type { Clock } from '../../../src/shared/time.js';
import { missedMs, type Pace } from '../../../src/throttling/rateLimiter.js';
import type { System } from './createSystem.js';

/** No registry slot is given to two, unless it was given back, or was missed. */
export function watchPace({ world, slots }: System, clock: Clock, pace: Pace): Pace {
  return {
    ...pace,
    async reserve() {
      const slot = await pace.reserve();
      const isMissed = clock.now() - (await pace.due(slot)) >= missedMs - 1_000;
      if (slots.has(slot) && !isMissed) world.violated('', 'a slot was given twice');
      slots.add(slot);
      return slot;
    },
    giveBack(slot) {
      slots.delete(slot);
      pace.giveBack(slot);
    },
  };
}
