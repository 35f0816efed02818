import { setTimeout } from 'node:timers/promises';

/** Time as the product sees it; tests bring their own. */
export interface Clock {
  /** Unix time in milliseconds. */
  now(): number;
  /** @param ms milliseconds; nothing or less returns at once */
  sleep(ms: number): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (ms) => setTimeout(Math.max(0, ms)),
};
