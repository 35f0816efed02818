import { ProvisioningError } from '../shared/errors.js';
import type { Clock } from '../shared/time.js';

/** Service Bus asks for two seconds. The jitter adds up to two more, so that the callers do not come back together. */
const firstWaitMs = 2_000;

/** How often a caller waits for new credits, and its sources of time and of numbers from 0 to 1. */
export interface Patience {
  clock: Pick<Clock, 'sleep'>;
  random: () => number;
  /** Called each time that Service Bus refuses a call. */
  onThrottled?: () => void;
  /** The number of waits. The first takes 2 to 4 s, and each later wait twice as long. */
  waits: number;
}

/** A caller of an HTTP function waits for the answer: one wait of 2 to 4 s. */
export const waitsOfRequests = 1;
/** A worker and a timer wait up to three times, 14 to 28 s. The lock of a message lasts longer than its work and two such waits. */
export const waitsOfWorkers = 3;

/**
 * Repeats a call that Service Bus refuses because the credits of the namespace are used up.
 *
 * @throws ProvisioningError `queue-throttled` after the last wait; the other errors of `call` at once
 */
export async function withPatience<R>(
  { clock, random, waits, onThrottled }: Patience,
  call: () => Promise<R>,
): Promise<R> {
  for (let waited = 0; ; waited += 1) {
    try {
      return await call();
    } catch (error) {
      const isThrottled = error instanceof ProvisioningError && error.code === 'queue-throttled';
      if (isThrottled) onThrottled?.();
      if (!isThrottled || waited >= waits) throw error;
      await clock.sleep(Math.round(firstWaitMs * 2 ** waited * (1 + random())));
    }
  }
}
