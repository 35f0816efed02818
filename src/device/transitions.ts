import type { ProvisioningError } from '../shared/errors.js';
import type { EpochMs } from '../shared/time.js';
import type { Desired, DeviceRecord, Job, Observed, StepResult, VariableScope } from './record.js';
import { deadPart, fallbackFor, isRefused, isSamePlace, refusedPart, requestPartOf } from './refusal.js';
import { type DeviceRequest, desiredBy, retirementOf } from './request.js';
import { hasBegun, hasPendingChange, isInDesiredState, isPending } from './state.js';
import {
  addScopes,
  afterLease,
  appendHistory,
  type Context,
  describeRequest,
  desiredByMessage,
  firstGenerationAt,
  type LostWork,
  markDead,
  newRecord,
  noFailure,
  putBack,
  recordedError,
  reopened,
  reschedule,
  startJob,
  withUnknownHub,
} from './transitionParts.js';

/*
 * The state machine of a device (docs/protocol.md, "States and transitions").
 *
 * Each function makes the next record from the present one, without input or output, and no other code changes a record. The
 * caller writes the result under the ETag of the record that was read. A function that returns null does not apply: the record
 * stays as it is.
 */

/**
 * A request was accepted. A new change replaces whatever job there was. Lease, observed state and scopes belong to the worker.
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
    desired,
    fallback: fallbackFor(found, desired),
  };
  const record = startJob({ ...next, lastGeneration }, traceparent, {
    kind: 'change',
    due: Math.max(now, Math.min(pendingDue, request.due ?? now)),
    forceVerify: request.forceVerify || before.job?.forceVerify,
  });
  const previous = retirementOf(found?.desired.retire, found?.desired.revoke);
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

/**
 * A check was requested: a worker is to compare the device with its desired state. A pending job stays, and takes over `forceVerify`.
 * A check that is planned for later, and that no run has begun, is moved up. A dead job stays as it is.
 *
 * @param due the comparison must not begin earlier; default: now
 * @returns null if the record stays as it is
 */
export function checkRequested(
  record: DeviceRecord,
  { now, traceparent }: Context,
  forceVerify: boolean,
  due = now,
): DeviceRecord | null {
  const { job } = record;
  if (!job) {
    const next = startJob(record, traceparent, { kind: 'check', due: Math.max(now, due), forceVerify });
    return { ...next, attempts: 0, retries: 0, quickTries: 0 };
  }
  if (!isPending(job)) return null;
  const isPlanned = job.kind === 'check' && !hasBegun(record);
  const verifies = forceVerify || job.forceVerify;
  if (isPlanned && Math.max(now, due) < job.due)
    return startJob(record, traceparent, { kind: 'check', due: Math.max(now, due), forceVerify: verifies });
  return verifies && !job.forceVerify ? { ...record, job: { ...job, forceVerify: true } } : null;
}

/** The record was lost, and a message of the lost job has arrived. The new job has the generation of the message. */
export function restoredFromMessage(message: LostWork, { now }: Context): DeviceRecord {
  const { uuid, generation, traceparent } = message;
  const job: Job = {
    generation,
    kind: 'change',
    due: now,
    ...(traceparent !== undefined && { traceparent }),
  };
  const record = newRecord(uuid, desiredByMessage(message, now), now);
  return { ...record, job, firstGeneration: generation, lastGeneration: generation };
}

/** The job's message could not be sent. The next request sends the message again. */
export function publishFailed(record: DeviceRecord): DeviceRecord | null {
  if (!isPending(record.job) || record.job.unsent) return null;
  return { ...record, job: { ...record.job, unsent: true } };
}

/**
 * The job has to wait before a run can start. The wait is not a failure.
 *
 * @param due the earliest start of the next delivery
 * @param waitsFor the cause of the wait, for the history
 * @param reservation the registry operation that is reserved for the job, if one is
 */
export function postponed(
  record: DeviceRecord,
  context: Context,
  due: EpochMs,
  waitsFor: WaitsFor,
  reservation?: number,
): DeviceRecord {
  const next = reschedule(record, context, due, reservation);
  return appendHistory(next, { at: context.now, type: 'waited', note: waits[waitsFor] });
}

export type WaitsFor = 'reservation' | 'dependency';

const waits: Record<WaitsFor, string> = {
  reservation: 'waits for its turn at the hub',
  dependency: 'waits until balena and the hub work again',
};

/**
 * The lease of an earlier run has run out, so the hub's state is unknown. Unless that run had left its lease to run out, its
 * worker died: the run counts as a failed attempt.
 */
export function leaseExpired(record: DeviceRecord, { now }: Context): DeviceRecord {
  if (!record.lease) return record;
  const next = { ...record, observed: withUnknownHub(record.observed) };
  if (record.lease.unresolved) return next;
  const event = { at: now, type: 'died' as const, note: 'the worker stopped in the middle of its work' };
  return appendHistory({ ...next, attempts: record.attempts + 1 }, event);
}

/** A worker takes the device. The desired scope is recorded before the worker can write a variable there. */
export function leased(
  record: DeviceRecord,
  context: Context,
  { by, until }: { by: string; until: EpochMs },
): DeviceRecord {
  const { present, service } = record.desired;
  const next = { ...leaseExpired(record, context), lease: { by, until } };
  return present && service !== null ? addScopes(next, [service]) : next;
}

/** The worker of this device died too often. The job fails for good, or the request is refused, and no lease is left. */
export function workerDied(record: DeviceRecord, context: Context, error: ProvisioningError): DeviceRecord {
  const refuses = isRefused(record, error);
  const dead = markDead({ ...leaseExpired(record, context), lease: null }, error, context.now);
  return refuses ? putBack(dead, context) : dead;
}

/** The run has found our variables in further scopes. */
export function scopesFound(record: DeviceRecord, scopes: readonly VariableScope[]): DeviceRecord {
  return addScopes(record, scopes);
}

/** The part of a run that the record takes over when the run ends. */
export interface RunFindings {
  observed: Observed;
  /** Scopes that hold no variable of ours any more. */
  clearedScopes: ReadonlySet<VariableScope>;
  /** One of the run's writes may still take effect. */
  outcomeUnknown: boolean;
  /** The desired state that the run worked for. */
  desired: Desired;
  /** The run has validated the desired state. */
  validated: boolean;
}

/** The run has ended under its own lease. If a write may still take effect, the lease runs out by itself; otherwise it ends now. */
export function leaseReleased(
  record: DeviceRecord,
  { observed, clearedScopes, outcomeUnknown, desired, validated }: RunFindings,
): DeviceRecord {
  return {
    ...(validated ? withValidated(record, desired) : record),
    lease: record.lease && outcomeUnknown ? { ...record.lease, unresolved: true } : null,
    observed: { ...observed },
    scopes: record.scopes.filter((scope) => !clearedScopes.has(scope)),
  };
}

/**
 * Marks the desired state of the run as validated, for every request for the same place. A later request for another place may have
 * replaced that desired state during the run: the validated state is then the fallback of the later request, unless the later request
 * has a fallback already.
 */
function withValidated(record: DeviceRecord, ofRun: Desired): DeviceRecord {
  const { desired, fallback } = record;
  const validated = { ...ofRun, validated: true };
  if (isSamePlace(desired, ofRun)) return { ...record, desired: { ...desired, validated: true } };
  if (fallback && isSamePlace(fallback.desired, ofRun))
    return { ...record, fallback: { ...fallback, desired: { ...fallback.desired, validated: true } } };
  const isRefusable = desired.present && !desired.validated && hasPendingChange(record);
  if (fallback || !isRefusable || !ofRun.present) return record;
  return { ...record, fallback: requestPartOf(newRecord(record.uuid, validated, ofRun.requestedAt)) };
}

/**
 * The run has ended after another run took the device. The writes of both runs may have crossed, so a worker compares the device once more.
 *
 * @param scopes the scopes of the run that has ended: the other run may have cleared these scopes before the last write arrived
 */
export function leaseLost(
  record: DeviceRecord,
  context: Context,
  scopes: readonly VariableScope[],
): DeviceRecord {
  const next = addScopes({ ...record, observed: withUnknownHub(record.observed) }, scopes);
  return record.job?.dead ? next : reschedule(next, context, context.now);
}

/** The run succeeded. No job is left, and no trace of earlier failures. */
export function completed(
  record: DeviceRecord,
  { now }: Context,
  steps: readonly StepResult[],
): DeviceRecord {
  const { desired, fallback, refusal } = record;
  const done = desired.present ? 'provisioned' : 'deprovisioned';
  const hasMoved = desired.present && fallback?.desired.present && !isSamePlace(fallback.desired, desired);
  const note = record.job?.kind === 'check' ? 'checked: the device is in its desired state' : done;
  const next: DeviceRecord = {
    ...record,
    ...noFailure,
    job: null,
    desired: hasMoved ? { ...desired, movedAt: now } : desired,
    fallback: null,
    refusal: refusal && isSamePlace(refusal.desired, desired) ? null : refusal,
    failures: 0,
    replays: 0,
    coolDownUntil: 0,
    completedAt: record.completedAt ?? now,
    observed: { ...record.observed, verifiedAt: now },
  };
  return appendHistory(next, { at: now, type: 'ran', note, steps });
}

/**
 * The run needs a registry operation whose time has not come.
 *
 * @param due the time of the reservation
 */
export function suspended(
  record: DeviceRecord,
  context: Context,
  due: EpochMs,
  reservation: number,
  steps: readonly StepResult[],
): DeviceRecord {
  const { now } = context;
  const next = reschedule(record, context, afterLease(record, due, now), reservation);
  return appendHistory(next, { at: now, type: 'ran', note: waits.reservation, steps });
}

/** A failed run. */
export interface Failure {
  error: ProvisioningError;
  /** The failure counts as an attempt of this device. */
  counted: boolean;
  steps: readonly StepResult[];
}

/**
 * The run failed, and the job is tried again: not before `due`, and not before an unresolved lease has run out.
 *
 * @param due the earliest start of the next run
 * @param growsBackOff true if the next back-off of this device is longer
 */
export function retried(
  record: DeviceRecord,
  context: Context,
  { error, counted, steps }: Failure,
  due: EpochMs,
  growsBackOff: boolean,
): DeviceRecord {
  const { now } = context;
  const next: DeviceRecord = {
    ...reschedule(record, context, afterLease(record, due, now)),
    attempts: record.attempts + (counted ? 1 : 0),
    retries: record.retries + (growsBackOff ? 1 : 0),
    quickTries: record.quickTries + (error.mayAppear ? 1 : 0),
    error: recordedError(error, now),
  };
  const note = `${error.code}: ${error.message} The job is tried again`;
  return appendHistory(next, { at: now, type: 'ran', note, steps });
}

/** The run failed for good. A change becomes dead, with a cool-down. A check ends, and the desired state stays. */
export function failed(
  record: DeviceRecord,
  { now }: Context,
  { error, counted, steps }: Failure,
): DeviceRecord {
  const result = record.job?.kind === 'change' ? 'failed for good' : 'the check failed';
  const next = markDead({ ...record, attempts: record.attempts + (counted ? 1 : 0) }, error, now);
  return appendHistory(next, {
    at: now,
    type: 'ran',
    note: `${result}, ${error.code}: ${error.message}`,
    steps,
  });
}

/**
 * The request is refused. The desired state from before comes back, with what was requested meanwhile about its certificate. The refused
 * request stays in the record for answers and lists. A new job continues the earlier request, or checks the device: hints and requests to
 * verify may have joined the refused job.
 */
export function refused(record: DeviceRecord, context: Context, failure: Failure): DeviceRecord {
  return putBack(failed(record, context, failure), context);
}

/** The run did not succeed, and its job was cancelled meanwhile. The job stays dead. */
export function endedAfterCancel(
  record: DeviceRecord,
  { now }: Context,
  note: string,
  steps: readonly StepResult[],
): DeviceRecord {
  return appendHistory(record, { at: now, type: 'ran', note, steps });
}

/**
 * An operator replays a dead job.
 *
 * @param by the operator, for the history
 * @param action the bulk action; null if the operator resent the dead letter with another tool
 */
export function replayed(
  record: DeviceRecord,
  context: Context,
  { due, by, action }: { due: EpochMs; by: string; action: string | null },
): DeviceRecord {
  const next: DeviceRecord = {
    ...reschedule(record, context, due),
    ...noFailure,
    replays: record.replays + 1,
    ...(action !== null && { completedAt: null, action: { id: action, error: record.error } }),
  };
  return appendHistory(next, { at: context.now, type: 'replayed', note: `requested again by ${by}` });
}

/**
 * An operator replays a refused request: the request takes the place of the present one, which comes back if the request is refused again.
 * `replayed` follows.
 *
 * @returns null if no request is refused, or an operator has discarded it
 */
export function refusalReopened(record: DeviceRecord): DeviceRecord | null {
  const refused = refusedPart(record);
  return refused && !refused.job?.dead?.discarded ? reopened(record, refused) : null;
}

/**
 * The record was lost, and an operator replays a dead letter. The record has no job yet: `replayed` makes one, above the dead
 * letter's generation, so that the dead letter is superseded.
 */
export function restoredFromDeadLetter(lost: LostWork, { now }: Context): DeviceRecord {
  const record = newRecord(lost.uuid, desiredByMessage(lost, now), now);
  const lastGeneration = Math.max(record.lastGeneration, lost.generation);
  return { ...record, lastGeneration, firstGeneration: lastGeneration + 1 };
}

/**
 * An operator cancels the replay that made the pending change. The job becomes dead, with the error from before the replay. A replayed
 * request that is not validated yet is refused again.
 *
 * @param by the operator, for the history
 * @returns null if no change is pending
 */
export function cancelled(record: DeviceRecord, { now }: Context, by: string): DeviceRecord | null {
  const { job } = record;
  if (!isPending(job) || job.kind !== 'change') return null;
  const error = record.action?.error ?? {
    code: 'cancelled' as const,
    step: null,
    message: 'The replay was cancelled before the job was done.',
    at: now,
  };
  const dead = { ...record, job: { ...job, dead: { at: now, cancelled: true } }, error };
  const next = record.fallback && !record.desired.validated ? putBack(dead, { now }) : dead;
  return appendHistory(next, { at: now, type: 'cancelled', note: `the replay was cancelled by ${by}` });
}

/**
 * An operator cancels a rotation. The job is dropped only if no worker has begun the rotation, and the device is in the desired state
 * from before the rotation. A rotation that has begun continues: the hub may have stopped accepting the certificate that the device holds.
 *
 * @returns null if the rotation continues
 */
export function rotationCancelled(record: DeviceRecord, { now }: Context, by: string): DeviceRecord | null {
  if (!isPending(record.job) || record.lease || record.attempts > 0 || record.retries > 0) return null;
  const { retire: _, revoke: __, ...desired } = record.desired;
  const next = { ...record, desired: { ...desired, ...record.action?.previous }, job: null };
  if (!isInDesiredState(next)) return null;
  return appendHistory(next, { at: now, type: 'cancelled', note: `the rotation was cancelled by ${by}` });
}

/**
 * An operator discards the dead job of the present or of the refused request. The job's dead letter is superseded. The device may request
 * again after the cool-down.
 *
 * @param message the message of the dead job
 */
export function discarded(
  record: DeviceRecord,
  { now }: Context,
  { by, reason }: { by: string; reason: string },
  message: { requestId: string | null; generation: number | null },
): DeviceRecord | null {
  const part = deadPart(record, message);
  const { job } = part ?? {};
  if (!part || !job?.dead || job.dead.discarded) return null;
  const discardedJob = { ...job, dead: { ...job.dead, discarded: { at: now, by, reason } } };
  const next =
    part === record
      ? { ...record, job: discardedJob }
      : { ...record, refusal: { ...requestPartOf(part), job: discardedJob } };
  return appendHistory(next, { at: now, type: 'discarded', note: `by ${by}: ${reason}` });
}
