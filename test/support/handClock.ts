import type { Clock } from '../../src/shared/time.js';

/**
 * A clock that stands still. A test moves the clock by setting `at`; a caller that sleeps moves the clock as well, and returns
 * at once.
 *
 * @param at where the clock starts, milliseconds since 1970
 */
export function handClock(at: number): Clock & { at: number } {
  const clock = {
    at,
    now: () => clock.at,
    async sleep(ms: number) {
      clock.at += Math.max(0, ms);
    },
  };
  return clock;
}
