import type { MessageStore } from '../store/MessageStore.js';
import type { Journal } from './Journal.js';
import type { Queue } from './Queue.js';

/** Time as the engine sees it; tests bring their own. */
export interface AlarmClock {
  /** Milliseconds since 1970. */
  now(): number;
  /**
   * Calls back once, not before that time.
   * @param time milliseconds since 1970
   * @returns cancels it
   */
  schedule(time: number, callback: () => void): () => void;
}

/** Node's timers overflow at 2^31 ms and then fire at once. */
const longestTimerMs = 2 ** 31 - 1;

export const systemAlarmClock: AlarmClock = {
  now: Date.now,
  schedule(time, callback) {
    const timer = setTimeout(callback, Math.min(Math.max(time - Date.now(), 0), longestTimerMs));
    return () => clearTimeout(timer);
  },
};

/** Adds to a payload why the broker itself dead-lettered it. */
export type DeadLetterPayload = (payload: Buffer, reason: string, description: string) => Buffer;

/** What every queue of an engine shares. */
export interface QueueDependencies {
  clock: AlarmClock;
  journal: Journal;
  store: MessageStore;
  deadLetterPayload: DeadLetterPayload;
  /** This queue may have something to hand out. */
  requestDispatch(queue: Queue): void;
}
