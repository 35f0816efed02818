import { policyOf } from '../shared/errorPolicy.js';
import type { ProvisioningError } from '../shared/errors.js';
import type { Reservation } from '../shared/reservation.js';
import type { Desired, DeviceRecord, RequestPart } from './record.js';
import { hasPendingChange, isInDesiredState, isMessageOfJob, isPending } from './state.js';

/*
 * A request is refused if it fails for good before its desired state is validated. The record then returns to the request before, and
 * keeps the refused request for answers and lists.
 */

/** The part of the record that belongs to its present request. */
export function requestPartOf(record: DeviceRecord): RequestPart {
  const { desired, job, fallback, attempts, failures, replays, error } = record;
  const { action, completedAt, coolDownUntil } = record;
  return { desired, job, fallback, attempts, failures, replays, error, action, completedAt, coolDownUntil };
}

/**
 * Whether both desired states have the same presence and service. Rotations do not count. A device that is to be present without a service has
 * an own key, so two own certificates have the same place.
 */
export function isSamePlace(
  one: Pick<Desired, 'present' | 'service'>,
  other: Pick<Desired, 'present' | 'service'>,
): boolean {
  return one.present === other.present && one.service === other.service;
}

/** The most requests that wait as fallbacks without having been validated. With full lists of thumbprints each has 5,200 characters, and one with an own key 8,500. */
export const mostUnvalidated = 3;

/** The present request's fallback, the fallback of that request, and so on. */
export function fallbacksOf({ fallback }: Pick<RequestPart, 'fallback'>): RequestPart[] {
  return fallback ? [fallback, ...fallbacksOf(fallback)] : [];
}

/** The fallback that needs no validation any more: a validated desired state, or a deprovisioning. Null if there is none. */
export function validFallback(record: Pick<RequestPart, 'fallback'>): RequestPart | null {
  return fallbacksOf(record).find(({ desired }) => desired.validated || !desired.present) ?? null;
}

/**
 * The place in the line that the device holds: of the present request, or of the validated request before, whose device is the same. A later
 * request of another caller must not send the device to the end of the line.
 *
 * @returns undefined if the device holds no place
 */
export function heldPlace(part: Pick<RequestPart, 'desired' | 'job' | 'fallback'>): Reservation | undefined {
  return placeOf(part) ?? placeOf(validFallback(part));
}

function placeOf(part: Pick<RequestPart, 'desired' | 'job'> | null): Reservation | undefined {
  return part?.desired.present && isPending(part.job) ? part.job.reservation : undefined;
}

/**
 * The request that comes back if the next request is refused.
 *
 * A validated desired state comes back. A deprovisioning that is not done comes back too, because a deprovisioning needs no validation. A
 * request that waits for its validation comes back as well, unless a later request asks for the same. At most `mostUnvalidated` of
 * these requests are kept: the newest.
 *
 * @param next the desired state of the next request
 * @returns null if the next request cannot be refused
 */
export function fallbackFor(found: DeviceRecord | null, next: Desired): RequestPart | null {
  if (!found || !next.present) return null;
  const { desired, fallback, job } = found;
  if (isSamePlace(desired, next)) return fallback;
  const valid = validFallback(found);
  if (valid && isSamePlace(valid.desired, next)) return null;
  const isReached = isInDesiredState(found) && !hasPendingChange(found);
  if (!desired.present) return isReached ? null : { ...requestPartOf(found), fallback: null };
  if (desired.validated || isReached)
    return { ...requestPartOf(found), desired: { ...desired, validated: true }, fallback: null };
  const before = fallbacksOf(found).filter((part) => part !== valid && !isSamePlace(part.desired, next));
  const waiting = isPending(job) ? [requestPartOf(found), ...before] : before;
  return chained(waiting.slice(0, mostUnvalidated), valid);
}

/** The first request, with the next one as its fallback, and so on. */
function chained(parts: readonly RequestPart[], last: RequestPart | null): RequestPart | null {
  return parts.reduceRight<RequestPart | null>((fallback, part) => ({ ...part, fallback }), last);
}

/**
 * Marks the fallback of one place as validated. The requests before that fallback are superseded.
 *
 * @returns the record's fallback
 */
export function withValidFallback(record: DeviceRecord, place: Desired): RequestPart | null {
  const parts = fallbacksOf(record);
  const at = parts.findIndex(({ desired }) => isSamePlace(desired, place));
  const found = parts[at];
  if (!found) return record.fallback;
  const valid = { ...found, desired: { ...found.desired, validated: true }, fallback: null };
  return chained(parts.slice(0, at), valid);
}

/**
 * The request that comes back after the failure for good of the present request: the request before. That request may have been superseded
 * before a run has validated it. The failure of a later, valid request does not bring such a request back.
 */
export function fallbackAfter(
  record: Pick<RequestPart, 'fallback'>,
  { code }: Pick<ProvisioningError, 'code'>,
): RequestPart | null {
  return policyOf(code).isFinal ? record.fallback : validFallback(record);
}

/**
 * Whether the failure for good refuses the request: the desired state was never valid, or is not valid any more, and there is a desired
 * state to return to. A device that balena does not have is no fault of the request.
 */
export function isRefused(
  record: DeviceRecord,
  { code, step }: Pick<ProvisioningError, 'code' | 'step'>,
): boolean {
  if (!isPending(record.job) || !fallbackAfter(record, { code }) || code === 'device-not-found') return false;
  return step === 'validate' || !record.desired.validated;
}

/** Whether the present request has come back after the refusal of a later request, and is not validated yet. */
export function isBackUnvalidated({ desired, refusal }: Pick<DeviceRecord, 'desired' | 'refusal'>): boolean {
  if (!refusal || !desired.present || desired.validated) return false;
  return refusal.desired.requestedAt > desired.requestedAt;
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
