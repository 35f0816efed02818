import type { Records } from '../device/repository.js';
import type { Clock } from '../shared/time.js';
import type { HealthFacts } from './facts.js';
import type { DeviceFacts } from './incidents.js';

/** A monitor reads health every minute, or more often. */
const freshMs = 30_000;

/**
 * Counts the devices that need an operator, from the lists of the records. The costs grow with the number of these devices, and not with the
 * size of the fleet: every monitor may read health. The messages of the queue stand for the waiting devices, and certificates are not
 * counted.
 *
 * @returns a function that returns null if the records do not answer. The counts are up to half a minute old
 */
export function openDeviceCounts(clock: Clock) {
  let last: { at: number; failed: number; checksFailed: number } | null = null;

  return async (
    records: Pick<Records, 'countListed'> | null,
    { recordsError, worker }: HealthFacts,
  ): Promise<DeviceFacts | null> => {
    if (!records || recordsError !== null) return null;
    const now = clock.now();
    if (!last || now - last.at > freshMs) {
      try {
        const [failed, checksFailed] = await Promise.all([
          records.countListed('dead'),
          records.countListed('check-failed'),
        ]);
        last = { at: now, failed, checksFailed };
      } catch {
        return null;
      }
    }
    const { failed, checksFailed } = last;
    return { waiting: worker.messages, lastDue: 0, failed, checksFailed, certificates: null };
  };
}
