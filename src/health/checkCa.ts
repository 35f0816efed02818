import type { Ca } from '../certificates/ca/ca.js';
import { ProvisioningError } from '../shared/errors.js';
import type { Clock, EpochMs } from '../shared/time.js';
import type { Status } from './status.js';

const everyMs = 3_600_000;

/**
 * Opens the check of the CA. Each call lets the CA sign some bytes, at most once an hour in each process, and notes the outcome in the
 * status: operators learn of wrong settings before a device needs the CA. The check never throws.
 *
 * @param ca null without a CA
 */
export function openCaCheck(
  ca: Pick<Ca, 'check'> | null,
  { status, clock }: { status: Pick<Status, 'noteCall' | 'report'>; clock: Clock },
): () => Promise<void> {
  let checkedAt: EpochMs = Number.NEGATIVE_INFINITY;
  return async () => {
    if (!ca || clock.now() - checkedAt < everyMs) return;
    checkedAt = clock.now();
    const failure = await ca.check().then(
      () => null,
      (error: unknown) => ProvisioningError.from(error),
    );
    status.noteCall('ca', failure);
    await status.report();
  };
}
