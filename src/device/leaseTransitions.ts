import type { ProvisioningError } from '../shared/errors.js';
import type { Reservation } from '../shared/reservation.js';
import type { EpochMs } from '../shared/time.js';
import type {
  Desired,
  DeviceRecord,
  Lease,
  Observed,
  OwnCertificate,
  StepResult,
  VariableScope,
} from './record.js';
import { fallbackAfter, isRefused, isSamePlace, validFallback, withValidFallback } from './refusal.js';
import { putBack, withLastRequest } from './refusalParts.js';
import { isCheckNext, isOfOtherHub, isPending, isRevokedKey, pendingWork } from './state.js';
import {
  addScopes,
  afterLease,
  appendHistory,
  type Context,
  checkAfterLateWrites,
  endCheck,
  errorAfterCheck,
  markDead,
  noFailure,
  planRetirement,
  recordedError,
  reschedule,
  waits,
  withHandover,
  withLateWrites,
  withoutLateWrites,
  withUnknownHub,
} from './transitionParts.js';

/* The transitions of leases and runs, see `transitions.ts`. */

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
  const next = { ...withoutHandover(atHub(expired, hubHost)), ...covered(record, context), lease };
  return present && service !== null ? addScopes(next, [service]) : next;
}

/** The time of an issued certificate ends with the way back: the certificate is then no longer beside an own one. */
function withoutHandover(record: DeviceRecord): DeviceRecord {
  if (record.desired.own || !record.observed.issued) return record;
  const { issued: _, ...observed } = record.observed;
  return { ...record, observed };
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

/**
 * The CA has signed a certificate for the key of the present request. The record has the certificate before the hub hears of it.
 *
 * @param before the own certificate that the hub accepts beside the new one; default: as requested
 * @returns null if the present request has another key, or if the key was revoked meanwhile
 */
export function signed(
  record: DeviceRecord,
  certificate: OwnCertificate,
  before: string | null = record.desired.own?.before ?? null,
): DeviceRecord | null {
  const { desired } = record;
  const { own } = desired;
  if (!own || own.thumbprint !== null || own.key !== certificate.key) return null;
  if (isRevokedKey(desired, own.key)) return null;
  const { handedOver } = own;
  return {
    ...record,
    desired: { ...desired, own: { ...certificate, before, ...(handedOver && { handedOver }) } },
  };
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
 * @param keepIssuedMs the time for which an issued certificate stays beside an own one, ms
 */
export function completed(
  record: DeviceRecord,
  context: Context,
  steps: readonly StepResult[],
  ofCheck = false,
  keepIssuedMs = 0,
): DeviceRecord {
  const { now } = context;
  const handed = withHandover(record, now, keepIssuedMs);
  const { desired, refusal } = handed;
  const before = validFallback(record)?.desired;
  const done = desired.present ? 'provisioned' : 'deprovisioned';
  const hasMoved = desired.present && before?.present && !isSamePlace(before, desired);
  const note = ofCheck && !record.job ? 'checked: the device is in its desired state' : done;
  const next: DeviceRecord = {
    ...planRetirement(endCheck(handed, context, ofCheck), context),
    ...noFailure,
    job: null,
    desired: hasMoved ? { ...desired, movedAt: now } : desired,
    fallback: null,
    refusal: refusal && isSamePlace(refusal.desired, desired) ? null : refusal,
    failures: 0,
    replays: 0,
    coolDownUntil: 0,
    completedAt: record.completedAt ?? now,
    observed: { ...handed.observed, verifiedAt: now },
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
