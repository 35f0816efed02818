import type { Clock } from '../../src/shared/time.js';

/** A clock that is moved by hand. Whoever sleeps moves it. */
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
