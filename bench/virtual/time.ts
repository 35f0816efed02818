import { setImmediate } from 'node:timers/promises';
import type { Clock, EpochMs } from '../../src/shared/time.js';

/** Virtual time: the product runs with its own code, and nobody waits for real seconds. */
export interface VirtualTime {
  now(): EpochMs;
  /** Runs a function at a moment, in the order of the calls if moments are equal. */
  at(moment: EpochMs, run: () => void): void;
  /** Waits until a moment has come. */
  until(moment: EpochMs): Promise<void>;
  /** A process's clock. @param aheadMs the clock minus the true time, ms */
  clock(aheadMs?: number): Clock;
  /** Runs everything that happens until the condition holds, or until the moment. */
  run(end: EpochMs, isDone?: () => boolean): Promise<void>;
}

interface Alarm {
  moment: EpochMs;
  order: number;
  run: () => void;
}

/** Opens a virtual time that begins at the moment. */
export function openVirtualTime(start: EpochMs): VirtualTime {
  let now = start;
  let order = 0;
  const alarms = openHeap<Alarm>((a, b) => a.moment - b.moment || a.order - b.order);
  const at = (moment: EpochMs, run: () => void) => {
    order += 1;
    alarms.add({ moment: Math.max(moment, now), order, run });
  };
  const until = (moment: EpochMs) => new Promise<void>((resolve) => at(moment, resolve));
  return {
    now: () => now,
    at,
    until,
    clock: (aheadMs = 0) => ({
      now: () => Math.floor(now) + aheadMs,
      sleep: (ms) => (ms > 0 ? until(now + ms) : Promise.resolve()),
    }),
    async run(end, isDone = () => false) {
      // One turn of the event loop runs all promises that can continue at this moment.
      await setImmediate();
      for (let next = alarms.first(); next && next.moment <= end && !isDone(); next = alarms.first()) {
        now = next.moment;
        while (alarms.first()?.moment === now) alarms.take()?.run();
        await setImmediate();
      }
      if (!isDone()) now = Math.max(now, end);
    },
  };
}

/** A queue whose first item is the smallest. */
function openHeap<T>(compare: (a: T, b: T) => number) {
  const items: T[] = [];
  const swap = (a: number, b: number) => {
    [items[a], items[b]] = [items[b] as T, items[a] as T];
  };
  const isBefore = (a: number, b: number) => compare(items[a] as T, items[b] as T) < 0;
  return {
    first: (): T | undefined => items[0],
    add(item: T) {
      let at = items.push(item) - 1;
      for (let up = (at - 1) >> 1; at > 0 && isBefore(at, up); up = (at - 1) >> 1) {
        swap(at, up);
        at = up;
      }
    },
    take(): T | undefined {
      const first = items[0];
      const last = items.pop();
      if (items.length === 0 || last === undefined) return first;
      items[0] = last;
      for (let at = 0; ; ) {
        const left = 2 * at + 1;
        if (left >= items.length) return first;
        const least = left + 1 < items.length && isBefore(left + 1, left) ? left + 1 : left;
        if (!isBefore(least, at)) return first;
        swap(at, least);
        at = least;
      }
    },
  };
}
