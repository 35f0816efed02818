import type { Overview } from '../../src/ops/overview/schema.js';

/** The length of the fixed hour. */
export const minutes = 60;
export const minuteMs = 60_000;

type Sample = Overview['history'][number];

/** The start of the first of the 60 minutes. The last minute is the minute of the newest possible sample. */
export function firstMinute(now: number): number {
  return Math.floor(now / minuteMs) * minuteMs - (minutes - 1) * minuteMs;
}

/** The samples of the 60 minutes from a time on; null for a minute without a sample. */
export function byMinute(history: readonly Sample[], from: number): (Sample | null)[] {
  const found: (Sample | null)[] = Array.from({ length: minutes }, () => null);
  for (const sample of history) {
    const minute = Math.floor((Date.parse(sample.at) - from) / minuteMs);
    if (minute >= 0 && minute < minutes) found[minute] = sample;
  }
  return found;
}
