import { setTimeout } from 'node:timers/promises';

/** A moment in Unix time, in milliseconds. */
export type EpochMs = number;

/** The time and the waiting of the product. Tests bring a clock of their own. */
export interface Clock {
  now(): EpochMs;
  /** @param ms milliseconds; a value of 0 or less returns at once */
  sleep(ms: number): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (ms) => setTimeout(Math.max(0, ms)),
};

/** The moment in ISO 8601, UTC. */
export function iso(at: EpochMs): string {
  return new Date(at).toISOString();
}

/** The moment in ISO 8601, UTC; null stays null. */
export function isoOrNull(at: EpochMs | null): string | null {
  return at === null ? null : iso(at);
}
