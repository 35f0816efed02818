import type { Clock, EpochMs } from './time.js';

/** Remembers values for a fixed time. */
export interface Memory<T> {
  /** @returns undefined if the value was never added, or was added too long ago */
  get(key: string): T | undefined;
  add(key: string, value: T): void;
  /** Forgets a value. @returns whether the value was remembered */
  forget(key: string): boolean;
}

/**
 * Opens a memory. Each entry is forgotten after the same time, so the oldest entry always comes first.
 *
 * @param keptMs the time for which an entry is remembered, ms
 * @param most the largest number of entries. The oldest entry makes room for a new one
 */
export function openMemory<T>(clock: Clock, keptMs: number, most: number): Memory<T> {
  const entries = new Map<string, { value: T; until: EpochMs }>();
  return {
    get(key) {
      const entry = entries.get(key);
      return entry && entry.until > clock.now() ? entry.value : undefined;
    },
    add(key, value) {
      const now = clock.now();
      entries.delete(key);
      for (const [oldest, { until }] of entries) {
        if (until > now && entries.size < most) break;
        entries.delete(oldest);
      }
      entries.set(key, { value, until: now + keptMs });
    },
    forget(key) {
      const isRemembered = this.get(key) !== undefined;
      entries.delete(key);
      return isRemembered;
    },
  };
}
