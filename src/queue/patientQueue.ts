import { type Patience, withPatience } from './patience.js';
import type { Queue } from './queue.js';

/** A queue whose sends wait for new credits. All other calls are those of `queue`. */
export function patientQueue(queue: Queue, patience: Patience): Queue {
  return {
    ...queue,
    send: (message, envelope) => withPatience(patience, () => queue.send(message, envelope)),
    sendWakeUp: (message, envelope) => withPatience(patience, () => queue.sendWakeUp(message, envelope)),
  };
}
