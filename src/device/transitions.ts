import type { ProvisioningError } from '../shared/errors.js';
import type { EpochMs } from '../shared/time.js';
import type { DeviceRecord, Job, Lease, Observed, StepResult, VariableScope } from './record.js';
import { type DeviceRequest, desiredBy } from './request.js';
import { hasPendingChange, isInDesiredState, isPending } from './state.js';
import {
  addScopes,
  afterLease,
  appendHistory,
  type Context,
  checkAfterLateWrites,
  describeRequest,
  desiredByMessage,
  firstGenerationAt,
  type LostWork,
  markDead,
  newRecord,
  noFailure,
  recordedError,
  reschedule,
  startJob,
  withLateWrites,
  withoutLateWrites,
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
  const { retire, revoke } = before.desired;
  // The new request must not delay a device whose change is already pending.
  const pendingDue = found?.job && hasPendingChange(found) ? found.job.due : Number.POSITIVE_INFINITY;
  const lastGeneration = Math.max(before.lastGeneration, firstGenerationAt(now));
  const record = startJob({ ...before, desired, lastGeneration }, traceparent, {
    kind: 'change',
    due: Math.max(now, Math.min(pendingDue, request.due ?? now)),
    forceVerify: request.forceVerify || before.job?.forceVerify,
  });
  const previous = { ...(retire !== undefined && { retire }), ...(revoke !== undefined && { revoke }) };
  const next: DeviceRecord = {
    ...record,
    ...noFailure,
    firstGeneration: record.lastGeneration,
    completedAt: null,
    action: request.action === undefined ? null : { id: request.action, error: null, previous },
  };
  return appendHistory(next, { at: now, type: 'requested', note: describeRequest(next) });
}

/**
 * A check was requested: a worker is to compare the device with its desired state. A pending job stays, and takes over `forceVerify`.
 * A dead job stays as it is.
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
    return { ...next, attempts: 0, retries: 0 };
  }
  if (!forceVerify || !isPending(job) || job.forceVerify) return null;
  return { ...record, job: { ...job, forceVerify: true } };
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
 * worker died: the run counts as a failed attempt, and its writes may still take effect.
 */
export function leaseExpired(record: DeviceRecord, { now }: Context): DeviceRecord {
  if (!record.lease) return record;
  const next = { ...record, observed: withUnknownHub(record.observed) };
  if (record.lease.unresolved) return next;
  const event = { at: now, type: 'died' as const, note: 'the worker stopped in the middle of its work' };
  const late = withLateWrites(next, record.lease.lateUntil);
  return appendHistory({ ...late, attempts: record.attempts + 1 }, event);
}

/** A worker takes the device. The desired scope is recorded before the worker can write a variable there. */
export function leased(
  record: DeviceRecord,
  context: Context,
  { by, until, lateUntil }: Pick<Lease, 'by' | 'until' | 'lateUntil'>,
): DeviceRecord {
  const { present, service } = record.desired;
  const lease = { by, until, lateUntil, generation: record.job?.generation ?? record.lastGeneration };
  const next = { ...withoutLateWrites(leaseExpired(record, context), context.now), lease };
  return present && service !== null ? addScopes(next, [service]) : next;
}

/** A run that goes on moves the end of its lease. */
export function leaseRenewed(record: DeviceRecord, until: EpochMs): DeviceRecord {
  if (!record.lease) return record;
  const { interrupted: _, ...lease } = record.lease;
  return { ...record, lease: { ...lease, until } };
}

/**
 * The message of the run came back during the run. The run's worker has probably died, and nothing happens before the end of the lease.
 *
 * @returns null if the record says so already
 */
export function leaseInterrupted(record: DeviceRecord): DeviceRecord | null {
  if (!record.lease || record.lease.interrupted) return null;
  return { ...record, lease: { ...record.lease, interrupted: true } };
}

/** The worker of this device died too often. The job fails for good, and no lease is left. */
export function workerDied(record: DeviceRecord, context: Context, error: ProvisioningError): DeviceRecord {
  return markDead({ ...leaseExpired(record, context), lease: null }, error, context.now);
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
}

/** The run has ended under its own lease. If a write may still take effect, the lease runs out by itself; otherwise it ends now. */
export function leaseReleased(
  record: DeviceRecord,
  { observed, clearedScopes, outcomeUnknown }: RunFindings,
): DeviceRecord {
  return {
    ...record,
    lease: record.lease && outcomeUnknown ? unresolved(record.lease) : null,
    observed: { ...observed },
    scopes: record.scopes.filter((scope) => !clearedScopes.has(scope)),
  };
}

function unresolved({ by, generation, lateUntil }: Lease): Lease {
  return { by, generation, until: lateUntil, lateUntil, unresolved: true };
}

/**
 * The run has ended after another run took the device. The writes of both runs may have crossed, so a worker compares the device once more.
 *
 * @param scopes the scopes of the run that has ended: the other run may have cleared these scopes before the last write arrived
 * @param lateUntil the time until which a write of the run may still take effect; null if the outcome of every write is known
 */
export function leaseLost(
  record: DeviceRecord,
  context: Context,
  scopes: readonly VariableScope[],
  lateUntil: EpochMs | null,
): DeviceRecord {
  const found = addScopes({ ...record, observed: withUnknownHub(record.observed) }, scopes);
  const next = lateUntil === null ? found : withLateWrites(found, lateUntil);
  return record.job?.dead ? next : reschedule(next, context, context.now);
}

/** The run succeeded. No trace of earlier failures is left, and no job, except a check after late writes. */
export function completed(
  record: DeviceRecord,
  context: Context,
  steps: readonly StepResult[],
): DeviceRecord {
  const { now } = context;
  const done = record.desired.present ? 'provisioned' : 'deprovisioned';
  const note = record.job?.kind === 'check' ? 'checked: the device is in its desired state' : done;
  const next: DeviceRecord = {
    ...record,
    ...noFailure,
    job: null,
    failures: 0,
    replays: 0,
    coolDownUntil: 0,
    completedAt: record.completedAt ?? now,
    observed: { ...record.observed, verifiedAt: now },
  };
  return appendHistory(checkAfterLateWrites(next, context), { at: now, type: 'ran', note, steps });
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
 * The record was lost, and an operator replays a dead letter. The record has no job yet: `replayed` makes one, above the dead
 * letter's generation, so that the dead letter is superseded.
 */
export function restoredFromDeadLetter(lost: LostWork, { now }: Context): DeviceRecord {
  const record = newRecord(lost.uuid, desiredByMessage(lost, now), now);
  const lastGeneration = Math.max(record.lastGeneration, lost.generation);
  return { ...record, lastGeneration, firstGeneration: lastGeneration + 1 };
}

/**
 * An operator cancels the replay that made the pending change. The job becomes dead, with the error from before the replay.
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
  const next = { ...record, job: { ...job, dead: { at: now, cancelled: true } }, error };
  return appendHistory(next, { at: now, type: 'cancelled', note: `the replay was cancelled by ${by}` });
}

/**
 * An operator cancels a rotation. The job is dropped only if no worker has begun the rotation, and the device is in the desired state
 * from before the rotation. A rotation that has begun continues: the hub may have stopped accepting the certificate that the device holds.
 *
 * @returns null if the rotation continues
 */
export function rotationCancelled(record: DeviceRecord, context: Context, by: string): DeviceRecord | null {
  if (!isPending(record.job) || record.lease || record.attempts > 0 || record.retries > 0) return null;
  const { retire: _, revoke: __, ...desired } = record.desired;
  const next = { ...record, desired: { ...desired, ...record.action?.previous }, job: null };
  if (!isInDesiredState(next)) return null;
  const event = { at: context.now, type: 'cancelled' as const, note: `the rotation was cancelled by ${by}` };
  return appendHistory(checkAfterLateWrites(next, context), event);
}

/** An operator discards a dead job. The job's dead letter is superseded. The device may request again after the cool-down. */
export function discarded(
  record: DeviceRecord,
  { now }: Context,
  { by, reason }: { by: string; reason: string },
): DeviceRecord | null {
  const { job } = record;
  if (!job?.dead || job.dead.discarded) return null;
  const next = { ...record, job: { ...job, dead: { ...job.dead, discarded: { at: now, by, reason } } } };
  return appendHistory(next, { at: now, type: 'discarded', note: `by ${by}: ${reason}` });
}
