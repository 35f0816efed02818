import type { Clock, EpochMs } from '../shared/time.js';

/**
 * Gets the time of a service from one answer.
 *
 * @param date the header `Date` of the answer, in whole seconds
 * @param sentAt when the request was sent, by the local clock
 * @param receivedAt when the answer arrived, by the local clock
 */
export type NoteDate = (date: EpochMs, sentAt: EpochMs, receivedAt: EpochMs) => void;

/** The resolution of the header `Date`. */
const resolutionMs = 1_000;

/**
 * A clock that follows the clock of the tables. All processes write their times into the same rows, so a process whose own clock is wrong
 * would stall the others. The local clock is corrected only as far as the answers prove that the clock is wrong: by at most a second too
 * little.
 */
export function openServerClock(local: Clock): Clock & { noteDate: NoteDate } {
  /** The time of the tables minus the local time, ms: at least, and at most. */
  let least = Number.NEGATIVE_INFINITY;
  let most = Number.POSITIVE_INFINITY;
  return {
    now: () => local.now() + Math.min(Math.max(0, least), most),
    sleep: (ms) => local.sleep(ms),
    noteDate(date, sentAt, receivedAt) {
      const atLeast = date - receivedAt;
      const atMost = date + resolutionMs - sentAt;
      // One of the two clocks was set, or has drifted: only the last answer counts.
      const contradicts = atLeast > most || atMost < least;
      least = contradicts ? atLeast : Math.max(least, atLeast);
      most = contradicts ? atMost : Math.min(most, atMost);
    },
  };
}
