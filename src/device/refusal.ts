import type { ProvisioningError } from '../shared/errors.js';
import type { Desired, DeviceRecord, RequestPart } from './record.js';
import { hasPendingChange, isInDesiredState, isMessageOfJob, isPending } from './state.js';

/*
 * A request is refused if it fails for good before its desired state is validated. The record then returns to the request before, and
 * keeps the refused request for answers and lists.
 */

/** The part of the record that belongs to its present request. */
export function requestPartOf(record: DeviceRecord): RequestPart {
  const { desired, job, attempts, failures, replays, error, action, completedAt, coolDownUntil } = record;
  return { desired, job, attempts, failures, replays, error, action, completedAt, coolDownUntil };
}

/** Whether both desired states have the same presence and service. Rotations do not count. */
export function isSamePlace(one: Desired, other: Pick<Desired, 'present' | 'service'>): boolean {
  return one.present === other.present && one.service === other.service;
}

/**
 * The request that comes back if the next request is refused.
 *
 * A validated desired state comes back. A deprovisioning that is not done comes back too, because a deprovisioning needs no validation. A
 * request that was never validated does not come back: the later request has superseded that request.
 *
 * @param next the desired state of the next request
 * @returns null if the next request cannot be refused
 */
export function fallbackFor(found: DeviceRecord | null, next: Desired): RequestPart | null {
  if (!found || !next.present) return null;
  const { desired, fallback } = found;
  if (isSamePlace(desired, next)) return fallback;
  if (fallback && isSamePlace(fallback.desired, next)) return null;
  const isReached = isInDesiredState(found) && !hasPendingChange(found);
  if (!desired.present) return isReached ? null : requestPartOf(found);
  return desired.validated || isReached ? requestPartOf(found) : fallback;
}

/**
 * Whether the failure for good refuses the request: the desired state was never valid, or is not valid any more, and there is a desired
 * state to return to. A device that balena does not have is no fault of the request.
 */
export function isRefused(
  { job, desired, fallback }: DeviceRecord,
  { code, step }: Pick<ProvisioningError, 'code' | 'step'>,
): boolean {
  if (!isPending(job) || !fallback || code === 'device-not-found') return false;
  return step === 'validate' || !desired.validated;
}

/**
 * The refused request as a record of its own: with the job, the error and the cool-down of the refused request.
 *
 * @returns null if no request was refused, or if a later request of the same kind supersedes the refused request
 */
export function refusedPart(record: DeviceRecord): DeviceRecord | null {
  const { refusal, desired } = record;
  if (!refusal || isSamePlace(desired, refusal.desired)) return null;
  return {
    ...record,
    ...refusal,
    check: null,
    lease: null,
    retries: 0,
    quickTries: 0,
    fallback: null,
    refusal: null,
  };
}

/**
 * The dead job of a message: the present job, or the job of the refused request.
 *
 * @returns the record with the dead job; null if the message has no dead job
 */
export function deadPart(
  record: DeviceRecord,
  message: { requestId: string | null; generation: number | null },
): DeviceRecord | null {
  const refused = refusedPart(record);
  for (const part of refused ? [record, refused] : [record])
    if (part.job?.dead && isMessageOfJob(part, message)) return part;
  return null;
}
