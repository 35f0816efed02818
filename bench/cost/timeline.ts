import { setImmediate as idle } from 'node:timers/promises';
import type { Clock, EpochMs } from '../../src/shared/time.js';

/** Virtual time: everything takes no time, except what sleeps or is planned for later. */
export interface Timeline {
  clock: Clock;
  /** Runs a function after `ms`. */
  after(ms: number, run: () => Promise<void>): void;
  /**
   * Lets everything run that can, and moves the clock to the next sleeper or planned function.
   *
   * @param at another moment to which the clock may move
   * @returns false if nothing is left to wait for
   */
  next(at: EpochMs | undefined): Promise<boolean>;
}

/** Starts a timeline. */
export function createTimeline(start: EpochMs): Timeline {
  let now = start;
  /** Sorted by time. Of two with the same time, the older comes first. */
  const planned: { at: EpochMs; run: () => unknown }[] = [];
  function after(ms: number, run: () => unknown): void {
    const at = now + Math.max(0, ms);
    let [from, to] = [0, planned.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      if (planned[middle]!.at <= at) from = middle + 1;
      else to = middle;
    }
    planned.splice(from, 0, { at, run });
  }
  return {
    clock: {
      now: () => Math.floor(now),
      sleep: (ms) => new Promise((resolve) => after(ms, () => resolve())),
    },
    after,
    async next(at) {
      // Only promises that are settled already stand in the way: one turn of the event loop runs them all.
      await idle();
      const earliest = Math.min(planned[0]?.at ?? Number.POSITIVE_INFINITY, at ?? Number.POSITIVE_INFINITY);
      if (earliest === Number.POSITIVE_INFINITY) return false;
      now = Math.max(now, earliest);
      const later = planned.findIndex((each) => each.at > now);
      for (const { run } of planned.splice(0, later < 0 ? planned.length : later)) run();
      await idle();
      return true;
    },
  };
}
