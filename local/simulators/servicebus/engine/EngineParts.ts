import type { MessageStore } from '../store/MessageStore.js';
import type { Clock } from './Clock.js';
import type { Journal } from './Journal.js';
import type { Queue } from './Queue.js';

/** Adds to a payload why the broker itself dead-lettered it. */
export type DeadLetterPayload = (payload: Buffer, reason: string, description: string) => Buffer;

/** What every queue of an engine shares. */
export interface EngineParts {
  clock: Clock;
  journal: Journal;
  store: MessageStore;
  deadLetterPayload: DeadLetterPayload;
  /** This queue may have something to hand out. */
  hungry(queue: Queue): void;
}
