import type { ActionCounts } from '../Action.js';
import { type StoredAction, sizeOf, type Wave } from './StoredAction.js';

/** Of a wave, more than this part failing again says that the cause is still there. */
const mostFailing = 0.1;

/**
 * What follows on a wave of a ramp that has come to its end: one twice as large, or the halt.
 *
 * @param counts of the whole action, at the end of the wave
 * @param now Unix ms
 */
export function nextWave(
  action: StoredAction,
  counts: ActionCounts,
  now: number,
): { wave: Wave; halted: null } | { wave: null; halted: string } {
  const { from, to, failedBefore } = action.wave;
  const size = to - from;
  const failed = counts.failed - failedBefore;
  if (failed > size * mostFailing) {
    const left = sizeOf(action) - to;
    return {
      wave: null,
      halted: `Halted: ${failed} of the last ${size} failed again. ${left} were not asked for. Look why, mend it, and plan anew.`,
    };
  }
  const wave = {
    from: to,
    to: Math.min(to + 2 * size, sizeOf(action)),
    startsAt: now,
    failedBefore: counts.failed,
  };
  return { wave, halted: null };
}
