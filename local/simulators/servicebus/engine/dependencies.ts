import type { EpochMs } from '../../../../src/shared/time.js';
import type { MessageStore } from '../store/MessageStore.js';
import type { Credits } from './Credits.js';
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

/** Changes of a payload that the engine itself causes. The engine does not interpret payloads. */
export interface PayloadChanges {
  /** Adds the reason and the description of a dead letter, when the broker itself dead-letters a message. */
  deadLetter(payload: Buffer, reason: string, description: string): Buffer;
  /** Shows the time to live of the queue, when the sender gave a longer time or no time. */
  capTimeToLive(payload: Buffer, timeToLiveMs: number, now: EpochMs): Buffer;
}

/** The parts of an engine that a queue needs. */
export interface QueueDependencies {
  clock: AlarmClock;
  journal: Journal;
  store: MessageStore;
  payloads: PayloadChanges;
  /** The throttle of the namespace. */
  credits: Credits;
  /** Tells the engine to dispatch messages of this queue at the end of the turn. */
  requestDispatch(): void;
}
