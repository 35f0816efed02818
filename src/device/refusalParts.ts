import { policyOf } from '../shared/errorPolicy.js';
import type { Desired, DeviceRecord, RequestPart } from './record.js';
import { fallbackFor, isBackUnvalidated, requestPartOf } from './refusal.js';
import { retirementOf } from './request.js';
import { goesFirst, isInDesiredState, isPending } from './state.js';
import {
  afterLease,
  type Context,
  noFailure,
  startCheck,
  startJob,
  type WorkDetails,
} from './transitionParts.js';

/* The building blocks of the transitions that put one request in the place of another. Only the transitions use these functions. */

/** The desired state of another request, with the certificates and keys that the record is to retire now. */
function withRetirementOf({ desired }: DeviceRecord, other: Desired): Desired {
  const { retire: _, revoke: __, revokedKeys: ___, ...rest } = other;
  return { ...rest, ...retirementOf(desired) };
}

/**
 * Moves a request with a dead job aside, and puts a request from before in its place. The new job continues the request from before, or
 * checks the device if that request was finished.
 *
 * @param fallback the request that comes back
 */
export function putBack(
  record: DeviceRecord,
  { now }: Context,
  fallback: RequestPart | null = record.fallback,
): DeviceRecord {
  const { lease, job } = record;
  if (!fallback) return record;
  // A place that was valid once is not valid any more.
  const { validated: wasValid, ...refusedDesired } = record.desired;
  const refused = { ...requestPartOf(record), desired: refusedDesired, fallback: null };
  const back: DeviceRecord = {
    ...record,
    ...fallback,
    ...noFailure,
    desired: withRetirementOf(record, fallback.desired),
    // The cancelled rotation would take back what was requested meanwhile about the certificate.
    action: hasSameRetirement(record.desired, fallback.desired) ? fallback.action : null,
    job: null,
    // A later mistake does not hide the failure of a request that was valid: an operator replays the dead letter of that request.
    refusal: wasValid ? refused : laterOf(record.refusal, refused),
  };
  const wasFinished = !lease && fallback.job === null && (isInDesiredState(back) || isDone(back));
  // A request that goes first needs no place.
  const needsNoPlace = goesFirst({ ...back, job: fallback.job });
  const reservation = isPending(fallback.job) && !needsNoPlace ? fallback.job.reservation : undefined;
  const details = { due: afterLease(record, now, now), forceVerify: job?.forceVerify, reservation };
  const next = wasFinished ? lookNow(back, details) : startJob(back, undefined, details);
  return {
    ...next,
    firstGeneration: next.lastGeneration,
    completedAt: wasFinished ? fallback.completedAt : null,
  };
}

/** Several requests can be refused one after the other, the last one first. The record keeps the last one. */
function laterOf(earlier: RequestPart | null, refused: RequestPart): RequestPart {
  return earlier && earlier.desired.requestedAt > refused.desired.requestedAt ? earlier : refused;
}

/**
 * Puts a later request, which was refused, back in the place of a dead request that is a mistake, too. None of them is valid, and the
 * last request counts: a check takes up the failure of that request once its cause is gone.
 */
export function withLastRequest(record: DeviceRecord): DeviceRecord {
  const { job, refusal, error } = record;
  if (!job?.dead || !refusal || !isBackUnvalidated(record)) return record;
  if (!error || !policyOf(error.code).isFinal) return record;
  return { ...record, ...refusal, desired: withRetirementOf(record, refusal.desired), refusal: null };
}

/**
 * Whether the request was done before, and only a check can find out what is left to do: the device is outside the served fleets, or differs
 * at most in scopes that the runs of the refused request have recorded.
 */
function isDone(record: DeviceRecord): boolean {
  const { completedAt, observed } = record;
  return (
    completedAt !== null && (observed.outside !== undefined || isInDesiredState({ ...record, scopes: [] }))
  );
}

/** Whether both desired states retire and revoke the same certificates and keys. */
function hasSameRetirement(one: Desired, other: Desired): boolean {
  const listsOf = ({ retire = [], revoke = [], revokedKeys = [] }: Desired) =>
    JSON.stringify([retire, revoke, revokedKeys]);
  return listsOf(one) === listsOf(other);
}

/** Gives the record a check that is due now, and that does what a waiting check is to do. */
function lookNow(record: DeviceRecord, { due, forceVerify }: WorkDetails): DeviceRecord {
  const { check } = record;
  const details = { due, forceVerify: forceVerify || check?.forceVerify, notice: check?.notice };
  return startCheck(record, check?.traceparent, details);
}

/** Puts a refused request in the place of the present request, with its dead job. */
export function reopened(record: DeviceRecord, { desired, job, ...rest }: DeviceRecord): DeviceRecord {
  const forceVerify = record.job?.forceVerify;
  const refused = requestPartOf({ ...rest, desired, job });
  return {
    ...record,
    ...refused,
    desired: withRetirementOf(record, desired),
    job: job && { ...job, ...(forceVerify && { forceVerify }) },
    fallback: fallbackFor(record, desired),
  };
}
