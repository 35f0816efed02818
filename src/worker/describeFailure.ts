import type { DeviceRecord } from '../record/DeviceRecord.js';

/** What stands on a dead letter: step and message, attempts and since when. */
export function describeFailure({ error, attempts, firstSeenAt, desired }: DeviceRecord): string {
  const step = error?.step ? `step ${error.step}: ` : '';
  return (
    `${step}${error?.message ?? 'no error is recorded'} ` +
    `(attempts that failed: ${attempts}; requested ${iso(desired.requestedAt)}, first seen ${iso(firstSeenAt)})`
  );
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
