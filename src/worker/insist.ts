import type { Clock } from '../clock.js';
import { ProvisioningError } from '../ProvisioningError.js';

const waitsMs = [500, 2_000, 5_000];

/**
 * Asks the records again for some seconds if they cannot be reached. For what a run has found and done: not written down, its
 * device waits for the rest of the lease, and the run counts as one whose worker died. Short enough to end before the lease does.
 *
 * @throws ProvisioningError `records-unavailable`
 */
export async function insist<R>(clock: Clock, call: () => Promise<R>): Promise<R> {
  for (const wait of waitsMs) {
    try {
      return await call();
    } catch (error) {
      if (ProvisioningError.from(error).code !== 'records-unavailable') throw error;
      await clock.sleep(wait);
    }
  }
  return call();
}
