import { randomUUID } from 'node:crypto';
import type { DeviceRecord, Job } from '../device/record.js';
import { isMessageOfJob } from '../device/state.js';
import {
  leased,
  leaseExpired,
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
import { type Run, startRun } from './run.js';

export type Admission =
  /** The message may do its work, under the run's lease. */
  | { kind: 'admitted'; run: Run }
  /** The job is dead. The worker only has to dead-letter the message. */
  | { kind: 'dead'; record: DeviceRecord }
  /** There is no work now, and the pending job has its own message. */
  | { kind: 'postponed' };

const isPostponed: Admission = { kind: 'postponed' };
/** A message that becomes active this much later than it was sent for was resent by an operator. Differing clocks are included. */
const resentAfterMs = 60_000;
const leaseWaitMs = 5_000;
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

/** @returns null after a conflict, or after the record was restored: the record must be read again */
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
    // The message is superseded. The process that superseded it may have died before it sent the pending job's message.
    await publish(deps, record);
    return isPostponed;
  }
  if (job.dead) {
    if (!wasResent(job.dead, message, delivery)) return { kind: 'dead', record };
    const by = 'an operator, who resent its dead letter';
    return writeAndPublish(deps, replayed(record, context, { due: context.now, by, action: null }), etag);
  }
  if (lease && context.now < lease.until) {
    const at = Math.min(lease.until, context.now + leaseWaitMs);
    await publishCopy(deps.queue, message, delivery.sequenceNumber, at);
    return isPostponed;
  }
  const circuitOpenUntil = await admitByCircuits(circuits, id);
  if (circuitOpenUntil !== null)
    return writeAndPublish(deps, postponed(record, context, circuitOpenUntil, 'dependency'), etag);
  return admitWithReservation(deps, found, id);
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
  // The record's earlier reservation still belongs to the record. A new one is free again after a conflict.
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
  return isPostponed;
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
  // A device that kills its worker must not do so for ever.
  if (record.lease && leaseExpired(record, context).attempts >= settings.maxAttempts)
    return endRequest(deps, workerDied(record, context, diedTooOften()), etag, reservation);
  const until = now + settings.workLimitMs + settings.leaseGraceMs;
  const next = leased(record, context, { by: id, until });
  if (!(await records.write(next, etag))) return null;
  productMetrics().jobStarted(now - (record.job?.due ?? now));
  return { kind: 'admitted', run: startRun(deps, next, id, now, reservation) };
}

/** @returns null after a conflict */
async function endRequest(
  deps: WorkerDependencies,
  record: DeviceRecord,
  etag: string,
  reservation: Reservation | null,
): Promise<Admission | null> {
  if (!(await deps.records.write(record, etag))) return null;
  if (reservation !== null) deps.rateLimiter.release(reservation);
  if (!record.job) return isPostponed;
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
