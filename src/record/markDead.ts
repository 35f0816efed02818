import { ProvisioningError } from '../ProvisioningError.js';
import type { DeviceRecord, RecordedError } from './DeviceRecord.js';

const minutes = 60_000;
const firstCoolDown = 10 * minutes;
const longestCoolDown = 360 * minutes;

/**
 * Ends the request for good. A change is dead until it is asked for or replayed again, with a cool-down of 10 minutes that
 * doubles with each failure up to 6 hours, so that a device which asks for ever cannot flood the dead-letter queue. A check
 * just ends: what it checks stays as it was asked for.
 *
 * @param now Unix ms
 */
export function markDead(record: DeviceRecord, error: ProvisioningError, now: number): void {
  record.error = recordedError(error, now);
  if (record.ticket?.kind !== 'change') {
    // Whatever opens it again, a run that had lost its lease too, starts to count anew.
    Object.assign(record, { ticket: null, attempts: 0, retries: 0 });
    return;
  }
  record.ticket.dead = { at: now };
  record.failures += 1;
  record.coolUntil = now + Math.min(firstCoolDown * 2 ** (record.failures - 1), longestCoolDown);
}

/** @param now Unix ms */
export function recordedError(error: ProvisioningError, now: number): RecordedError {
  return { code: error.code, step: error.step ?? null, message: error.message, at: now };
}

/** What a worker that lost its lease by dying is recorded as. */
export function workerDied(): ProvisioningError {
  return new ProvisioningError(
    'worker-died',
    'The worker died, or was stopped, each time it worked on this device.',
    {
      retry: 'later',
    },
  );
}
