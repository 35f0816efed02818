import { setTimeout } from 'node:timers/promises';

/** A moment in Unix time, in milliseconds. */
export type EpochMs = number;

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

/** @param at Unix ms */
export function iso(at: number): string {
  return new Date(at).toISOString();
}

/** @param at Unix ms */
export function isoOrNull(at: number | null): string | null {
  return at === null ? null : iso(at);
}
