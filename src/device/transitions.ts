import type { Reservation } from '../shared/reservation.js';
import type { EpochMs } from '../shared/time.js';
import type { Check, CheckNotice, Desired, DeviceRecord, Job } from './record.js';
import { fallbackFor, heldPlace, isSamePlace } from './refusal.js';
import { type DeviceRequest, desiredBy, retirementOf } from './request.js';
import { goesFirst, hasPendingChange, isPending, pendingWork } from './state.js';
import {
  appendHistory,
  type Context,
  describeRequest,
  desiredByMessage,
  firstGenerationAt,
  type LostWork,
  newRecord,
  noFailure,
  type Reserved,
  reschedule,
  startCheck,
  startJob,
  type WaitsFor,
  waits,
} from './transitionParts.js';

export * from './leaseTransitions.js';
export * from './operatorTransitions.js';
export type { WaitsFor } from './transitionParts.js';

/*
 * The state machine of a device (docs/protocol.md, "States and transitions").
 *
 * Each function makes the next record from the present one, without input or output, and no other code changes a record. The
 * caller writes the result under the ETag of the record that was read. A function that returns null does not apply: the record
 * stays as it is.
 */

/**
 * A request was accepted. A new change replaces whatever job there was. A check stays. Lease, observed state and scopes belong to the worker.
 *
 * The generation is at least the Unix time in seconds. If an older version of the record was restored, messages of the lost versions may
 * still arrive. Their generations are below the new request's, so these messages cannot undo the request.
 */
export function requested(
  found: DeviceRecord | null,
  { now, traceparent }: Context,
  request: DeviceRequest,
  requestId: string,
): DeviceRecord {
  const desired = desiredBy(request, found, requestId, now);
  const before = found ?? newRecord(request.uuid, desired, now);
  // The new request must not delay a device whose change is already pending.
  const pendingDue = found?.job && hasPendingChange(found) ? found.job.due : Number.POSITIVE_INFINITY;
  const lastGeneration = Math.max(before.lastGeneration, firstGenerationAt(now));
  const next = {
    ...before,
    ...refusalBeside(before, desired),
    // Failures that others have caused do not delay a device that proves its identity.
    ...(desired.proved && !before.desired.proved && { failures: 0 }),
    desired,
    fallback: fallbackFor(found, desired),
  };
  const record = startJob({ ...next, lastGeneration }, traceparent, {
    due: Math.max(now, Math.min(pendingDue, request.due ?? now)),
    forceVerify: request.forceVerify || before.job?.forceVerify,
    reservation: keptReservation(found, desired),
    // A look-up shows the device, whatever the requested service.
    lookUp: found && isPending(found.job) && desired.present ? found.job.lookUp : undefined,
  });
  const previous = retirementOf(found?.desired ?? {});
  const accepted: DeviceRecord = {
    ...record,
    ...noFailure,
    firstGeneration: record.lastGeneration,
    completedAt: null,
    action: request.action === undefined ? null : { id: request.action, error: null, previous },
  };
  return appendHistory(accepted, { at: now, type: 'requested', note: describeRequest(accepted) });
}

/**
 * A device that requests again keeps its place in the line, if balena has shown that the new request is valid. A request that goes first
 * needs no place.
 */
function keptReservation(found: DeviceRecord | null, desired: Desired): Reservation | undefined {
  if (!found || !desired.present || !desired.validated) return undefined;
  return goesFirst({ ...found, desired }) ? undefined : heldPlace(found);
}

/**
 * What becomes of an earlier refusal. A rotation leaves the refusal. The same request again supersedes the refusal, and keeps the number
 * of its failures, so that the cool-down grows. Every other request ends the refusal.
 */
function refusalBeside(
  { desired, refusal, failures }: DeviceRecord,
  next: Desired,
): Pick<DeviceRecord, 'refusal' | 'failures'> {
  if (isSamePlace(desired, next)) return { refusal, failures };
  if (refusal && isSamePlace(refusal.desired, next)) return { refusal, failures: refusal.failures };
  return { refusal: null, failures };
}

/** What a check is to do, and when. */
export interface CheckDetails {
  /** The worker also asks the hub. */
  forceVerify?: boolean;
  /** The comparison must not begin earlier; default: now. */
  due?: EpochMs | undefined;
  /** See `CheckNotice`. */
  notice?: CheckNotice | undefined;
}

/**
 * A check was requested: a worker is to compare the device with its desired state, whatever became of the last request. A check that
 * waits already takes over `forceVerify`, and an earlier time than the one that was requested before. A run that is under way may have
 * looked before the change that the check is about: the check then follows that run.
 *
 * @returns null if the record stays as it is
 */
export function checkRequested(
  record: DeviceRecord,
  { now, traceparent }: Context,
  { forceVerify = false, due = now, notice: noticed }: CheckDetails = {},
): DeviceRecord | null {
  const { check } = record;
  const at = Math.max(now, due);
  // A run whose lease has run out may still go on, and renew its lease.
  const isRunning = record.lease !== null && !record.lease.unresolved;
  const again = isRunning && at <= now;
  const notBefore = at > now ? at : undefined;
  if (!check) {
    const next = startCheck(record, traceparent, {
      due: at,
      forceVerify,
      notBefore,
      again,
      notice: noticed,
    });
    return isPending(record.job) ? next : { ...next, attempts: 0, retries: 0, quickTries: 0 };
  }
  // The run that is under way counts the sighting of its own check.
  const isCounted = again && !check.again && check.notice === 'outside';
  const { notice: earlier, ...kept } = check;
  const notice = noticed ?? (isCounted ? undefined : earlier);
  const details = { forceVerify: forceVerify || check.forceVerify, again: again || check.again, notice };
  if (check.notBefore !== undefined && at < check.notBefore)
    return startCheck(record, traceparent, { ...details, due: at, notBefore });
  const next: Check = {
    ...kept,
    ...(details.forceVerify && { forceVerify: true }),
    ...(details.again && { again: true }),
    ...(notice && { notice }),
  };
  const isSame =
    next.forceVerify === check.forceVerify && next.again === check.again && notice === check.notice;
  return isSame ? null : { ...record, check: next };
}

/**
 * The record was lost, and a message of the lost job has arrived. The new job has the generation of the message. A message from before the signature of the CA does not
 * name the certificate that the device may use: the worker asks the hub.
 */
export function restoredFromMessage(message: LostWork, { now }: Context): DeviceRecord {
  const { uuid, generation, traceparent } = message;
  const job: Job = {
    generation,
    due: now,
    ...(message.own?.thumbprint === null && { forceVerify: true }),
    ...(traceparent !== undefined && { traceparent }),
  };
  const record = newRecord(uuid, desiredByMessage(message, now), now);
  return { ...record, job, firstGeneration: generation, lastGeneration: generation };
}

/**
 * The record was lost while a run was under way. The record with the lease of that run becomes the record again, so that the end of the run
 * can be written. Messages of later requests that were lost have higher generations, and restore these requests.
 *
 * @param leased the record as the run wrote it with its lease
 */
export function restoredFromRun(leased: DeviceRecord, { now }: Context): DeviceRecord {
  const note = 'the record was lost during the run, and made again at the end of the run';
  // The rows that the lost record had in the lists may be gone.
  const { listed: _, ...record } = leased;
  return appendHistory(record, { at: now, type: 'died', note });
}

/**
 * The time for the removal of the record has come, and balena still has the device. The record stays as long again: without the record, a
 * sweep or an event would provision a device again that an operator has deprovisioned.
 */
export function removalPostponed(record: DeviceRecord, { now }: Context): DeviceRecord {
  return { ...record, observed: { ...record.observed, verifiedAt: now } };
}

/** The message of the next work could not be sent. The next request sends the message again. */
export function publishFailed(record: DeviceRecord): DeviceRecord | null {
  const { job, check } = record;
  if (pendingWork(record)?.unsent) return null;
  if (isPending(job)) return { ...record, job: { ...job, unsent: true } };
  return check && { ...record, check: { ...check, unsent: true } };
}

/**
 * The next work has to wait before a run can start. The wait is not a failure.
 *
 * @param due the earliest start of the next delivery
 * @param waitsFor the cause of the wait, for the history
 * @param reserved what is reserved for the work
 */
export function postponed(
  record: DeviceRecord,
  context: Context,
  due: EpochMs,
  waitsFor: WaitsFor,
  reserved: Reserved = {},
): DeviceRecord {
  const next = reschedule(record, context, due, reserved);
  return appendHistory(next, { at: context.now, type: 'waited', note: waits[waitsFor] });
}
