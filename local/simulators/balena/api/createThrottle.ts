import { PlainTextError } from '../refusal.js';

/** How many requests each caller may send; null for as many as it likes. */
export interface Rate {
  requestsPerMinute: number | null;
  /** The count starts anew after so many seconds; shorter than a minute makes tests faster. Default 60. */
  windowSeconds?: number;
}

export interface Throttle {
  rate(): Rate;
  setRate(rate: Rate): void;
  /** @throws Refusal 429 with `Retry-After` (whole seconds, at least 1) when this caller has had its share of the window */
  take(caller: number): void;
}

/** Counts in fixed windows, which begin with a caller's first request. balena does not publish its limits, so there is none at first. */
export function createThrottle(now: () => number = Date.now): Throttle {
  let rate: Rate = { requestsPerMinute: null };
  const windows = new Map<number, { ends: number; left: number }>();
  return {
    rate: () => rate,
    setRate(given) {
      rate = given;
      windows.clear();
    },
    take(caller) {
      const { requestsPerMinute, windowSeconds = 60 } = rate;
      if (requestsPerMinute === null) return;
      const at = now();
      let window = windows.get(caller);
      if (!window || window.ends <= at) {
        window = { ends: at + windowSeconds * 1000, left: (requestsPerMinute * windowSeconds) / 60 };
        windows.set(caller, window);
      }
      window.left -= 1;
      if (window.left >= 0) return;
      const seconds = Math.max(1, Math.ceil((window.ends - at) / 1000));
      throw new PlainTextError(429, 'Too Many Requests', { 'Retry-After': String(seconds) });
    },
  };
}
