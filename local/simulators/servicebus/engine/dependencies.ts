import type { EpochMs } from '../../../../src/shared/time.js';
import type { MessageStore } from '../store/MessageStore.js';
import type { Journal } from './Journal.js';

/** The engine's source of time. Tests replace the system clock with a clock that they move by hand. */
export interface AlarmClock {
  now(): EpochMs;
  /**
   * Calls back once, at `time` or soon after.
   * @returns a function that cancels the call
   */
  schedule(time: EpochMs, callback: () => void): () => void;
}

/**
 * A timer of Node with a longer delay fires at once. For a later time the clock therefore calls back too early; the engine then
 * finds nothing due and schedules again.
 */
const longestTimerMs = 2 ** 31 - 1;

export const systemAlarmClock: AlarmClock = {
  now: Date.now,
  schedule(time, callback) {
    const timer = setTimeout(callback, Math.min(Math.max(time - Date.now(), 0), longestTimerMs));
    return () => clearTimeout(timer);
  },
};

/**
 * Adds the reason and the description of a dead letter to a payload. The engine calls this function when the broker itself
 * dead-letters a message.
 */
export type DeadLetterPayload = (payload: Buffer, reason: string, description: string) => Buffer;

/** The parts of an engine that a queue needs. */
export interface QueueDependencies {
  clock: AlarmClock;
  journal: Journal;
  store: MessageStore;
  deadLetterPayload: DeadLetterPayload;
  /** Tells the engine to dispatch messages of this queue at the end of the turn. */
  requestDispatch(): void;
}
