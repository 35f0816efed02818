import { randomUUID } from 'node:crypto';
import type { DeviceRecord, Job, Lease } from '../device/record.js';
import { deadPart } from '../device/refusal.js';
import { isCheckNext, isPending, pendingWork, workOfMessage } from '../device/state.js';
import type { Context, Reserved } from '../device/transitionParts.js';
import {
  leased,
  leaseExpired,
  leaseInterrupted,
  postponed,
  refusalReopened,
  replayed,
  restoredFromMessage,
  type WaitsFor,
  workerDied,
} from '../device/transitions.js';
import type { ProvisioningMessage } from '../queue/messages.js';
import { publish, publishCopy, resentAfterMs } from '../queue/publish.js';
import { ProvisioningError } from '../shared/errors.js';
import type { EpochMs } from '../shared/time.js';
import type { Row } from '../storage/table.js';
import { productMetrics } from '../telemetry/metrics.js';
import { currentTraceparent } from '../telemetry/traceparent.js';
import { admitByCircuits, releaseProbes } from '../throttling/circuitBreaker.js';
import type { Reservation } from '../throttling/rateLimiter.js';
import type { Delivery, WorkerDependencies } from './dependencies.js';
import { reserveLookUp } from './lookUp.js';
import { reserve } from './reserve.js';
import { leaseMs, type Run, startRun } from './run.js';

/** What a worker has to do with a message. */
export type Admission =
  /** The message may do its work, under the run's lease. */
  | { kind: 'admitted'; run: Run }
  /** The job is dead. The worker only has to dead-letter the message. */
  | { kind: 'dead'; record: DeviceRecord }
  /** There is no work for this message now, and pending work has its own message. */
  | { kind: 'postponed' };

const postponedAdmission: Admission = { kind: 'postponed' };
/** While a run for another message holds the lease, the message comes back after this time at the latest. */
const leaseWaitMs = 5_000;
/** A copy for the end of a lease comes this much later. Otherwise, with clocks that differ a little, the copy would come in vain. */
const afterLeaseMs = 250;
const mostConflicts = 50;

/**
 * Decides whether a message may do its work now: steps 1 to 5 of the worker in docs/protocol.md. After a conflict, all steps start
 * again.
 *
 * @throws ProvisioningError `records-unavailable`, `queue-unavailable`
 */
export async function admit(
  deps: WorkerDependencies,
  message: ProvisioningMessage,
  delivery: Delivery,
): Promise<Admission> {
  const id = `${deps.instance}/${randomUUID()}`;
  for (let tries = 0; tries < mostConflicts; tries += 1) {
    const admission = await tryToAdmit(deps, message, delivery, id);
    if (!admission) continue;
    if (admission.kind !== 'admitted') await releaseProbes(deps.circuits, id, new Set());
    return admission;
  }
  throw new ProvisioningError('records-unavailable', 'Other writers change the record too often.');
}

/**
 * @param id the id of the run
 * @returns null after a conflict, or after the record was restored: the record must be read again
 */
async function tryToAdmit(
  deps: WorkerDependencies,
  message: ProvisioningMessage,
  delivery: Delivery,
  id: string,
): Promise<Admission | null> {
  const { records, circuits, clock } = deps;
  const found = await records.read(message.uuid);
  const context = { now: clock.now(), traceparent: currentTraceparent() };
  if (!found || message.generation > found.value.lastGeneration) {
    await records.write(restoredFromMessage(message, context), found?.etag ?? null);
    return null;
  }
  const { value: record, etag } = found;
  const { lease } = record;
  const isOfWork = workOfMessage(record, message) !== null;
  // The process that made the pending work may have died before sending the message.
  if (!isOfWork) await publish(deps, record);
  const dead = deadPart(record, message);
  if (dead?.job?.dead && wasResent(dead.job.dead, message, delivery)) {
    const reopened = isOfWork ? record : refusalReopened(record);
    if (reopened) return writeAndPublish(deps, replayedByResending(reopened, context), etag);
  }
  if (dead) return { kind: 'dead', record: dead };
  // The message of any other work is superseded.
  if (!isOfWork) return postponedAdmission;
  if (lease && context.now < lease.until) return waitForLease(deps, message, delivery, found, lease);
  const user = { id, uuid: record.uuid, isSuspect: record.attempts > 0 };
  const circuitOpenUntil = await (needsOnlyLookUp(record)
    ? circuits.balena.admit(user)
    : admitByCircuits(circuits, user));
  if (circuitOpenUntil !== null)
    return writeAndPublish(deps, postponed(record, context, circuitOpenUntil, 'dependency'), etag);
  return admitWithReservation(deps, found, id);
}

/**
 * Whether balena has not shown yet that the request is valid. Such work begins also while the circuit of the hub is open: a wrong request
 * ends at its look-up, however long the hub is away. A right request waits for the hub after the look-up, and is then not looked up again
 * before the hub works.
 */
function needsOnlyLookUp({ job, desired }: DeviceRecord): boolean {
  return isPending(job) && desired.present && !desired.validated && job.reservation === undefined;
}

/** The record of a dead job whose dead letter an operator has resent with another tool. */
export function replayedByResending(record: DeviceRecord, context: Context): DeviceRecord {
  const by = 'an operator, who resent its dead letter';
  return replayed(record, context, { due: context.now, by, action: null });
}

/**
 * Another run holds the lease: a copy of the message comes later. If the other run began with the same message, its worker has probably
 * died, and the copy comes at the end of the lease: until then the run does the work itself, or nobody may.
 *
 * @returns null after a conflict
 */
async function waitForLease(
  { records, queue, clock }: WorkerDependencies,
  message: ProvisioningMessage,
  delivery: Delivery,
  { value: record, etag }: Row<DeviceRecord>,
  { generation, until, unresolved }: Lease,
): Promise<Admission | null> {
  const isOwn = generation === message.generation && !unresolved;
  if (isOwn) {
    const interrupted = leaseInterrupted(record);
    if (interrupted && !(await records.write(interrupted, etag))) return null;
  }
  const at = isOwn ? until + afterLeaseMs : Math.min(until, clock.now() + leaseWaitMs);
  await publishCopy(queue, message, delivery, at);
  return postponedAdmission;
}

/**
 * Takes the lease when the work may begin: when the registry operation is due that an earlier run has reserved, or otherwise when the
 * look-up in balena is due.
 */
async function admitWithReservation(
  deps: WorkerDependencies,
  found: Row<DeviceRecord>,
  id: string,
): Promise<Admission | null> {
  const { value: record, etag } = found;
  const { balenaLimit } = deps;
  const work = pendingWork(record);
  const postpone = (due: EpochMs, waitsFor: WaitsFor, reserved: Reserved) => {
    const context = { now: deps.clock.now(), traceparent: currentTraceparent() };
    return writeAndPublish(deps, postponed(record, context, due, waitsFor, reserved), etag);
  };
  const { kind, due, reservation, verifiesHub = false } = await reserve(deps, record);
  const turn = reservation === null && kind === 'now' ? await reserveLookUp(deps, record) : null;
  const lookUp = turn?.lookUp ?? null;
  const admission =
    kind === 'later'
      ? await postpone(due, 'reservation', {})
      : turn?.kind === 'later'
        ? await postpone(turn.due, 'look-up', { ...(lookUp !== null && { lookUp }) })
        : await takeLease(deps, found, { id, reservation, verifiesHub });
  if (lookUp !== null && admission?.kind === 'admitted') balenaLimit.use(lookUp);
  // Of an old and a new place, only one is needed: the old one after a conflict, because it still belongs to the record.
  const unused = admission ? work?.lookUp : lookUp;
  const isReplaced = lookUp !== null && lookUp !== work?.lookUp;
  if (isReplaced && unused) balenaLimit.release(unused);
  return admission;
}

/** @returns null after a conflict */
async function writeAndPublish(
  deps: WorkerDependencies,
  record: DeviceRecord,
  etag: string,
): Promise<Admission | null> {
  if (!(await deps.records.write(record, etag))) return null;
  await publish(deps, record);
  return postponedAdmission;
}

/** @returns null after a conflict */
async function takeLease(
  deps: WorkerDependencies,
  found: Row<DeviceRecord>,
  { id, reservation, verifiesHub }: { id: string; reservation: Reservation | null; verifiesHub: boolean },
): Promise<Admission | null> {
  const { value: record, etag } = found;
  const { records, clock, settings } = deps;
  const now = clock.now();
  const context = { now, traceparent: currentTraceparent() };
  // A device whose work kills the worker must not do so for ever: after too many deaths the job fails for good. The worker of an
  // unresolved lease is alive, and the attempts may belong to a request that failed before the work.
  const hasDied = record.lease !== null && !record.lease.unresolved;
  if (hasDied && leaseExpired(record, context).attempts >= settings.maxAttempts)
    return failForGood(deps, found, workerDied(record, context, diedTooOften()), reservation);
  const until = now + leaseMs(settings);
  const lateUntil = now + settings.workLimitMs + settings.leaseGraceMs;
  const next = leased(record, context, { by: id, until, lateUntil, hubHost: settings.hubHost ?? null });
  if (!(await records.write(next, etag))) return null;
  productMetrics().jobStarted(now - (pendingWork(record)?.due ?? now));
  const run = startRun(deps, next, { id, startedAt: now, reservation, verifiesHub });
  return { kind: 'admitted', run };
}

/** @returns null after a conflict */
async function failForGood(
  deps: WorkerDependencies,
  { value: before, etag }: Row<DeviceRecord>,
  record: DeviceRecord,
  reservation: Reservation | null,
): Promise<Admission | null> {
  if (!(await deps.records.write(record, etag))) return null;
  if (reservation !== null) deps.rateLimiter.release(reservation);
  // A check that waited for the work, or the request before a refused request, is the next work.
  await publish(deps, record);
  // A check ends without a dead letter.
  if (isCheckNext(before)) return postponedAdmission;
  const { requestId } = before.desired;
  const dead = deadPart(record, { requestId, generation: before.job?.generation ?? null });
  if (!dead) return postponedAdmission;
  deps.status.count('failed');
  productMetrics().failed('worker-died', null);
  return { kind: 'dead', record: dead };
}

function diedTooOften(): ProvisioningError {
  return new ProvisioningError(
    'worker-died',
    'The worker stopped each time in the middle of its work on this device.',
  );
}

/**
 * Whether an operator has resent a dead letter with another tool: the job knows the message as a dead letter, and the message has become active again. The message may
 * be a copy of the resent one. A late copy of any other message is not resent. The dead letter of a cancelled or discarded job is superseded: a resent message does not undo what an operator has decided.
 *
 * @param enqueuedAt the time at which the message became active
 */
export function wasResent(
  dead: NonNullable<Job['dead']>,
  { due, from, copyOf = [] }: Pick<ProvisioningMessage, 'due' | 'from' | 'copyOf'>,
  { enqueuedAt }: Pick<Delivery, 'enqueuedAt'>,
): boolean {
  if (dead.cancelled || dead.discarded) return false;
  const { deadLetters = [] } = dead;
  // Two equal messages, of which the queue has dropped none, become active at nearly the same time.
  return [{ due, from, activeAt: enqueuedAt }, ...copyOf].some((message) =>
    deadLetters.some(
      (known) =>
        known.due === message.due &&
        known.from === message.from &&
        message.activeAt > known.activeAt + resentAfterMs,
    ),
  );
}
