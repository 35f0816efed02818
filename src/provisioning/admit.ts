import { randomUUID } from 'node:crypto';
import type { DeviceRecord, Job, Lease } from '../device/record.js';
import { isMessageOfJob } from '../device/state.js';
import {
  leased,
  leaseExpired,
  leaseInterrupted,
  postponed,
  replayed,
  restoredFromMessage,
  workerDied,
} from '../device/transitions.js';
import type { ProvisioningMessage } from '../queue/messages.js';
import { publish, publishCopy } from '../queue/publish.js';
import { ProvisioningError } from '../shared/errors.js';
import type { Row } from '../storage/table.js';
import { productMetrics } from '../telemetry/metrics.js';
import { currentTraceparent } from '../telemetry/traceparent.js';
import { admitByCircuits, releaseProbes } from '../throttling/circuitBreaker.js';
import type { Reservation } from '../throttling/rateLimiter.js';
import type { Delivery, WorkerDependencies } from './dependencies.js';
import { reserve } from './reserve.js';
import { leaseMs, type Run, startRun } from './run.js';

/** What a worker has to do with a message. */
export type Admission =
  /** The message may do its work, under the run's lease. */
  | { kind: 'admitted'; run: Run }
  /** The job is dead. The worker only has to dead-letter the message. */
  | { kind: 'dead'; record: DeviceRecord }
  /** There is no work now, and the pending job has its own message. */
  | { kind: 'postponed' };

const postponedAdmission: Admission = { kind: 'postponed' };
/**
 * If a message of a dead job becomes active more than this time after its scheduled time, an operator has resent the message. Clocks may
 * differ by less than this time.
 */
const resentAfterMs = 60_000;
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
  const { job, lease } = record;
  if (!job || !isMessageOfJob(record, message)) {
    // The message is superseded. The process that made the pending job may have died before sending the job's message.
    await publish(deps, record);
    return postponedAdmission;
  }
  if (job.dead) {
    if (!wasResent(job.dead, message, delivery)) return { kind: 'dead', record };
    const by = 'an operator, who resent its dead letter';
    return writeAndPublish(deps, replayed(record, context, { due: context.now, by, action: null }), etag);
  }
  if (lease && context.now < lease.until) return waitForLease(deps, message, delivery, found, lease);
  const circuitOpenUntil = await admitByCircuits(circuits, id);
  if (circuitOpenUntil !== null)
    return writeAndPublish(deps, postponed(record, context, circuitOpenUntil, 'dependency'), etag);
  return admitWithReservation(deps, found, id);
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
  { sequenceNumber }: Delivery,
  { value: record, etag }: Row<DeviceRecord>,
  { generation, until, unresolved }: Lease,
): Promise<Admission | null> {
  const isOwn = generation === message.generation && !unresolved;
  if (isOwn) {
    const interrupted = leaseInterrupted(record);
    if (interrupted && !(await records.write(interrupted, etag))) return null;
  }
  const at = isOwn ? until + afterLeaseMs : Math.min(until, clock.now() + leaseWaitMs);
  await publishCopy(queue, message, sequenceNumber, at);
  return postponedAdmission;
}

/** Reserves a registry operation if the work needs one, and takes the lease once the reservation is due. */
async function admitWithReservation(
  deps: WorkerDependencies,
  found: Row<DeviceRecord>,
  id: string,
): Promise<Admission | null> {
  const { value: record, etag } = found;
  const { kind, due, reservation } = await reserve(deps, record);
  const context = { now: deps.clock.now(), traceparent: currentTraceparent() };
  const admission =
    kind === 'later'
      ? await writeAndPublish(
          deps,
          postponed(record, context, due, 'reservation', reservation ?? undefined),
          etag,
        )
      : await takeLease(deps, found, id, reservation);
  // After a conflict a new reservation is not needed. A reservation from the record still belongs to the record.
  if (!admission && reservation !== null && reservation !== record.job?.reservation)
    deps.rateLimiter.release(reservation);
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
  { value: record, etag }: Row<DeviceRecord>,
  id: string,
  reservation: Reservation | null,
): Promise<Admission | null> {
  const { records, clock, settings } = deps;
  const now = clock.now();
  const context = { now, traceparent: currentTraceparent() };
  // A device whose work kills the worker must not do so for ever: after too many deaths the job fails for good.
  if (record.lease && leaseExpired(record, context).attempts >= settings.maxAttempts)
    return failForGood(deps, workerDied(record, context, diedTooOften()), etag, reservation);
  const until = now + leaseMs(settings);
  const lateUntil = now + settings.workLimitMs + settings.leaseGraceMs;
  const next = leased(record, context, { by: id, until, lateUntil });
  if (!(await records.write(next, etag))) return null;
  productMetrics().jobStarted(now - (record.job?.due ?? now));
  return { kind: 'admitted', run: startRun(deps, next, id, now, reservation) };
}

/** @returns null after a conflict */
async function failForGood(
  deps: WorkerDependencies,
  record: DeviceRecord,
  etag: string,
  reservation: Reservation | null,
): Promise<Admission | null> {
  if (!(await deps.records.write(record, etag))) return null;
  if (reservation !== null) deps.rateLimiter.release(reservation);
  if (!record.job) return postponedAdmission;
  deps.status.count('failed');
  productMetrics().failed('worker-died', null);
  return { kind: 'dead', record };
}

function diedTooOften(): ProvisioningError {
  return new ProvisioningError(
    'worker-died',
    'The worker stopped each time in the middle of its work on this device.',
  );
}

/** An operator resent the dead letter with another tool. */
function wasResent(
  dead: NonNullable<Job['dead']>,
  message: ProvisioningMessage,
  { enqueuedAt }: Delivery,
): boolean {
  return !dead.cancelled && enqueuedAt > dead.at && enqueuedAt > message.due + resentAfterMs;
}
