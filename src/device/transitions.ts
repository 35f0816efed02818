import type { ProvisioningError } from '../shared/errors.js';
import type { Reservation } from '../shared/reservation.js';
import type { EpochMs } from '../shared/time.js';
import type {
  Check,
  CheckNotice,
  Desired,
  DeviceRecord,
  Job,
  Lease,
  Observed,
  StepResult,
  VariableScope,
} from './record.js';
import {
  deadPart,
  fallbackAfter,
  fallbackFor,
  heldPlace,
  isRefused,
  isSamePlace,
  refusedPart,
  requestPartOf,
  validFallback,
  withValidFallback,
} from './refusal.js';
import { type DeviceRequest, desiredBy, retirementOf } from './request.js';
import {
  goesFirst,
  hasPendingChange,
  isCheckNext,
  isInDesiredState,
  isOfOtherHub,
  isPending,
  pendingWork,
} from './state.js';
import {
  addScopes,
  afterLease,
  appendHistory,
  type Context,
  checkAfterLateWrites,
  describeRequest,
  desiredByMessage,
  endCheck,
  errorAfterCheck,
  firstGenerationAt,
  type LostWork,
  markDead,
  newRecord,
  noFailure,
  putBack,
  type Reserved,
  recordedError,
  renewCheck,
  reopened,
  reschedule,
  startCheck,
  startJob,
  withLastRequest,
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
    desired,
    fallback: fallbackFor(found, desired),
  };
  const record = startJob({ ...next, lastGeneration }, traceparent, {
    due: Math.max(now, Math.min(pendingDue, request.due ?? now)),
    forceVerify: request.forceVerify || before.job?.forceVerify,
    reservation: keptReservation(found, desired),
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

/** The record was lost, and a message of the lost job has arrived. The new job has the generation of the message. */
export function restoredFromMessage(message: LostWork, { now }: Context): DeviceRecord {
  const { uuid, generation, traceparent } = message;
  const job: Job = {
    generation,
    due: now,
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

export type WaitsFor = 'reservation' | 'look-up' | 'dependency';

const waits: Record<WaitsFor, string> = {
  'look-up': 'waits for its look-up in balena',
  reservation: 'waits for its turn at the hub',
  dependency: 'waits until balena and the hub work again',
};

/**
 * The lease of an earlier run has run out. If that run had left its lease to run out, the record has its findings: the hub's state is
 * unknown if a call to the hub had no answer, and is known if only balena gave no answer. Otherwise the worker died: the hub's state is
 * unknown, the run counts as a failed attempt, and its writes may still take effect.
 */
export function leaseExpired(record: DeviceRecord, { now }: Context): DeviceRecord {
  if (!record.lease || record.lease.unresolved) return record;
  const next = { ...record, observed: withUnknownHub(record.observed) };
  const event = { at: now, type: 'died' as const, note: 'the worker stopped in the middle of its work' };
  const late = withLateWrites(next, record.lease.lateUntil);
  return appendHistory({ ...late, attempts: record.attempts + 1 }, event);
}

/**
 * A worker takes the device. The desired scope is recorded before the worker can write a variable there. The run of a change covers a
 * check whose time has come, and asks the hub if the check does. A run after the last late write compares everything that such a write may
 * have changed. What the record says about another hub counts for nothing.
 *
 * @param hubHost the host name of the hub of this process; null if unknown
 */
export function leased(
  record: DeviceRecord,
  context: Context,
  {
    by,
    until,
    lateUntil,
    hubHost = null,
  }: Pick<Lease, 'by' | 'until' | 'lateUntil'> & { hubHost?: string | null },
): DeviceRecord {
  const { present, service } = record.desired;
  const generation = pendingWork(record)?.generation ?? record.lastGeneration;
  const expired = withoutLateWrites(leaseExpired(record, context), context.now);
  const lease = { by, until, lateUntil, generation };
  const next = { ...atHub(expired, hubHost), ...covered(record, context), lease };
  return present && service !== null ? addScopes(next, [service]) : next;
}

function atHub(record: DeviceRecord, hubHost: string | null): DeviceRecord {
  if (hubHost === null || record.observed.hubHost === hubHost) return record;
  const { hubEtag, hubSeenAt, ...others } = record.observed;
  if (!isOfOtherHub(others, hubHost)) return { ...record, observed: { ...record.observed, hubHost } };
  return { ...record, observed: { ...withUnknownHub(others), hubHost } };
}

function covered({ job, check }: DeviceRecord, { now }: Context): Pick<DeviceRecord, 'job' | 'check'> {
  if (!check) return { job, check };
  const { again: _, ...begun } = check;
  if (!isPending(job)) return { job, check: begun };
  // The time of the check can come during the run. The run does not cover such a check.
  if (check.due > now) return { job, check: { ...begun, again: true } };
  return { job: check.forceVerify ? { ...job, forceVerify: true } : job, check: begun };
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

/** The worker of this device died too often. The work fails for good, or the request is refused, and no lease is left. */
export function workerDied(record: DeviceRecord, context: Context, error: ProvisioningError): DeviceRecord {
  const refuses = isRefused(record, error);
  const dead = markDead({ ...leaseExpired(record, context), lease: null }, error, context);
  return refuses ? putBack(dead, context, fallbackAfter(record, error)) : withLastRequest(dead);
}

/** A device has far fewer services. */
const mostScopesLeft = 32;

/**
 * The table has refused the next version of the record for its size. The work fails for good, or the request is refused. Without the history,
 * and with the last scopes only, the record is small enough to say so.
 */
export function tooLarge(record: DeviceRecord, context: Context, error: ProvisioningError): DeviceRecord {
  const refuses = isRefused(record, error);
  const small = { ...record, history: [], scopes: record.scopes.slice(-mostScopesLeft) };
  const dead = markDead(small, error, context);
  const note = `failed for good, ${error.code}: ${error.message}`;
  const next = appendHistory(dead, { at: context.now, type: 'ran', note });
  return refuses ? putBack(next, context, fallbackAfter(record, error)) : withLastRequest(next);
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

/**
 * The run has ended under its own lease. If a write may still take effect, the lease runs out by itself; otherwise it ends now.
 *
 * @param lateUntil the time until which a call that has just ended may still take effect. A process that paused before a call may be behind
 * the times of its lease
 */
export function leaseReleased(
  record: DeviceRecord,
  { observed, clearedScopes, outcomeUnknown, desired, validated }: RunFindings,
  lateUntil: EpochMs = 0,
): DeviceRecord {
  return {
    ...(validated ? withValidated(record, desired) : record),
    lease: record.lease && outcomeUnknown ? unresolved(record.lease, lateUntil) : null,
    observed: { ...observed },
    scopes: record.scopes.filter((scope) => !clearedScopes.has(scope)),
  };
}

function unresolved({ by, generation, lateUntil }: Lease, atLeast: EpochMs): Lease {
  const until = Math.max(lateUntil, atLeast);
  return { by, generation, until, lateUntil: until, unresolved: true };
}

/**
 * Marks the desired state of the run as validated. A later request for another place may have replaced that desired state during the
 * run, which is then a fallback. Earlier requests that wait for their validation are superseded.
 */
function withValidated(record: DeviceRecord, ofRun: Desired): DeviceRecord {
  const { desired } = record;
  if (!isSamePlace(desired, ofRun)) return { ...record, fallback: withValidFallback(record, ofRun) };
  return { ...record, desired: { ...desired, validated: true }, fallback: validFallback(record) };
}

/**
 * The run has ended after another run took the device. The writes of both runs may have crossed, so a worker compares the device once more,
 * unless the job is dead and no check waits.
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
  return record.job?.dead && !record.check ? next : reschedule(next, context, context.now);
}

/**
 * The run succeeded. No job is left, and no trace of earlier failures. A check that succeeds also ends a dead job: the device is in the
 * state that the failed request desired. If late writes are possible, a check follows them.
 *
 * @param ofCheck true if the work of the run was the check
 */
export function completed(
  record: DeviceRecord,
  context: Context,
  steps: readonly StepResult[],
  ofCheck = false,
): DeviceRecord {
  const { now } = context;
  const { desired, refusal } = record;
  const before = validFallback(record)?.desired;
  const done = desired.present ? 'provisioned' : 'deprovisioned';
  const hasMoved = desired.present && before?.present && !isSamePlace(before, desired);
  const note = ofCheck && !record.job ? 'checked: the device is in its desired state' : done;
  const next: DeviceRecord = {
    ...endCheck(record, context, ofCheck),
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
  return appendHistory(checkAfterLateWrites(next, context), { at: now, type: 'ran', note, steps });
}

/** A check has looked at a device whose request was cancelled or discarded. The dead job stays. */
export function looked(record: DeviceRecord, context: Context, steps: readonly StepResult[]): DeviceRecord {
  const ended = { ...endCheck(record, context, true), attempts: 0, retries: 0, quickTries: 0 };
  const next = checkAfterLateWrites(ended, context);
  const note = 'checked: balena has the device. The request stays cancelled or discarded';
  return appendHistory(next, { at: context.now, type: 'ran', note, steps });
}

/**
 * The run needs a registry operation whose time has not come, or the circuit of the hub is open.
 *
 * @param due the time of the reservation, or of the next attempt
 * @param reservation undefined if the circuit is open
 */
export function suspended(
  record: DeviceRecord,
  context: Context,
  due: EpochMs,
  reservation: Reservation | undefined,
  steps: readonly StepResult[],
): DeviceRecord {
  const { now } = context;
  const reserved = reservation === undefined ? {} : { reservation };
  const next = reschedule(record, context, afterLease(record, due, now), reserved);
  const note = reservation === undefined ? waits.dependency : waits.reservation;
  return appendHistory(next, { at: now, type: 'ran', note, steps });
}

/** A failed run. */
export interface Failure {
  error: ProvisioningError;
  /** The failure counts as an attempt of this device. */
  counted: boolean;
  steps: readonly StepResult[];
}

/**
 * The run failed, and the work is tried again: not before `due`, and not before an unresolved lease has run out.
 *
 * @param due the earliest start of the next run
 * @param growsBackOff true if the next back-off of this device is longer
 * @param reservation the place in the line that the run had: the work keeps its place
 */
export function retried(
  record: DeviceRecord,
  context: Context,
  { error, counted, steps }: Failure,
  due: EpochMs,
  growsBackOff: boolean,
  reservation?: Reservation,
): DeviceRecord {
  const { now } = context;
  const reserved = reservation && { reservation };
  const next: DeviceRecord = {
    ...reschedule(record, context, afterLease(record, due, now), reserved),
    attempts: record.attempts + (counted ? 1 : 0),
    retries: record.retries + (growsBackOff ? 1 : 0),
    quickTries: record.quickTries + (error.mayAppear ? 1 : 0),
    error: isCheckNext(record) ? errorAfterCheck(record, error, now) : recordedError(error, now),
  };
  const note = `${error.code}: ${error.message} The job is tried again`;
  return appendHistory(next, { at: now, type: 'ran', note, steps });
}

/**
 * The run failed for good. A change becomes dead, with a cool-down. A check ends, and the desired state and a dead job stay. If late writes
 * are possible, a check follows them. If a later request was refused before, no request is valid: the later request is the failed one.
 */
export function failed(record: DeviceRecord, context: Context, failure: Failure): DeviceRecord {
  return withLastRequest(endedForGood(record, context, failure));
}

function endedForGood(
  record: DeviceRecord,
  context: Context,
  { error, counted, steps }: Failure,
): DeviceRecord {
  const result = isPending(record.job) ? 'failed for good' : 'the check failed';
  const ended = markDead({ ...record, attempts: record.attempts + (counted ? 1 : 0) }, error, context);
  return appendHistory(checkAfterLateWrites(ended, context), {
    at: context.now,
    type: 'ran',
    note: `${result}, ${error.code}: ${error.message}`,
    steps,
  });
}

/**
 * The request is refused. The desired state from before comes back, with what was requested meanwhile about its certificate. The refused
 * request stays in the record for answers and lists. A new job continues the earlier request, or a check looks at the device: the run may
 * have changed the device before the request was refused.
 */
export function refused(record: DeviceRecord, context: Context, failure: Failure): DeviceRecord {
  return putBack(endedForGood(record, context, failure), context, fallbackAfter(record, failure.error));
}

/** The run did not succeed, and its job was cancelled meanwhile. The job stays dead, and a check stays. */
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
  const { forceVerify, traceparent = context.traceparent } = record.job ?? {};
  const next: DeviceRecord = {
    ...startJob(record, traceparent, { due, forceVerify }),
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
 * request that is not validated yet is refused again. A check that was requested meanwhile, or before the replay, is the next work.
 *
 * @param by the operator, for the history
 * @returns null if no change is pending, or if the replay is done: a comparison is then pending
 */
export function cancelled(record: DeviceRecord, { now }: Context, by: string): DeviceRecord | null {
  const { job, completedAt } = record;
  if (!isPending(job) || completedAt !== null) return null;
  const error = record.action?.error ?? {
    code: 'cancelled' as const,
    step: null,
    message: 'The replay was cancelled before the job was done.',
    at: now,
  };
  const dead = { ...record, job: { ...job, dead: { at: now, cancelled: true } }, error };
  const isRefusedAgain = record.fallback !== null && !record.desired.validated;
  const next = isRefusedAgain ? putBack(dead, { now }) : renewCheck(dead, now);
  return appendHistory(next, { at: now, type: 'cancelled', note: `the replay was cancelled by ${by}` });
}

/**
 * An operator cancels a rotation. The job is dropped only if no worker has begun the rotation, and the device is in the desired state
 * from before the rotation. A check that was pending before the rotation is the next work. A rotation that has begun continues: the hub may
 * have stopped accepting the certificate that the device holds.
 *
 * @returns null if the rotation continues
 */
export function rotationCancelled(record: DeviceRecord, context: Context, by: string): DeviceRecord | null {
  if (!isPending(record.job) || record.lease || record.attempts > 0 || record.retries > 0) return null;
  const { retire: _, revoke: __, ...desired } = record.desired;
  const before = { ...record, desired: { ...desired, ...record.action?.previous }, job: null };
  if (!isInDesiredState(before)) return null;
  const next = checkAfterLateWrites(renewCheck(before, context.now), context);
  return appendHistory(next, {
    at: context.now,
    type: 'cancelled',
    note: `the rotation was cancelled by ${by}`,
  });
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
