import { randomUUID } from 'node:crypto';
import type { DeviceRecord, Job } from '../device/record.js';
import { appendHistory, markDead, recordFromMessage, reschedule, workerDied } from '../device/transitions.js';
import type { ProvisioningMessage } from '../queue/messages.js';
import { publish, publishCopy } from '../queue/publish.js';
import { ProvisioningError } from '../shared/errors.js';
import type { Row } from '../storage/table.js';
import { productMetrics } from '../telemetry/metrics.js';
import { admitByCircuits, releaseCircuits } from '../throttling/circuitBreaker.js';
import type { Reservation } from '../throttling/rateLimiter.js';
import type { WorkerDependencies } from './dependencies.js';
import { reserve } from './reserve.js';
import { type Run, startRun } from './run.js';
import type { Delivery } from './worker.js';

export type Admission =
  | { kind: 'work'; run: Run }
  /** Its record is given up: what is left is to dead-letter the message. */
  | { kind: 'dead'; record: DeviceRecord }
  /** Nothing to do now, and whatever is to come has its message. */
  | { kind: 'put-off' };

const putOff: Admission = { kind: 'put-off' };
/** How much later than it was sent for a message must appear to be one that was sent again by hand, clocks that differ included. */
const byHandMs = 60_000;
const leaseWaitMs = 5_000;
const mostConflicts = 50;

/** May this message work, and now? Steps 1 to 5 of the protocol's worker, each from the start again after a conflict. */
export async function admit(
  deps: WorkerDependencies,
  message: ProvisioningMessage,
  delivery: Delivery,
): Promise<Admission> {
  const id = `${deps.instance}/${randomUUID()}`;
  for (let tries = 0; tries < mostConflicts; tries += 1) {
    const admission = await tryToAdmit(deps, message, delivery, id);
    if (!admission) continue;
    if (admission.kind !== 'work') await releaseCircuits(deps, id, new Set());
    return admission;
  }
  throw new ProvisioningError('records-unavailable', 'The record is being changed too often.', {
    retry: 'later',
  });
}

/** @returns null on a conflict, or when the record was made anew: read it again */
async function tryToAdmit(
  deps: WorkerDependencies,
  message: ProvisioningMessage,
  delivery: Delivery,
  id: string,
): Promise<Admission | null> {
  const { records, queue, clock } = deps;
  const found = await records.read(message.uuid);
  if (!found || message.generation > found.value.lastGeneration) {
    // The record was lost.
    await records.write(recordFromMessage(message, clock.now()), found?.etag ?? null);
    return null;
  }
  const record = found.value;
  const { job, lease } = record;
  if (job?.generation !== message.generation || record.desired.requestId !== message.requestId) {
    await publish(deps, record);
    return putOff;
  }
  if (job.dead) {
    if (!sentByHand(job.dead, message, delivery)) return { kind: 'dead', record };
    reschedule(record, clock.now());
    Object.assign(record, { attempts: 0, retries: 0, replays: record.replays + 1, error: null });
    appendHistory(record, {
      at: clock.now(),
      type: 'replayed',
      note: 'its dead letter was sent again by hand',
    });
    return rewrite(deps, found);
  }
  if (lease && clock.now() < lease.until) {
    await publishCopy(
      queue,
      message,
      delivery.sequenceNumber,
      Math.min(lease.until, clock.now() + leaseWaitMs),
    );
    return putOff;
  }
  const circuitOpenUntil = await admitByCircuits(deps, id);
  if (circuitOpenUntil !== null) {
    reschedule(record, circuitOpenUntil);
    appendHistory(record, {
      at: clock.now(),
      type: 'waited',
      note: 'for balena or the hub, which did not answer',
    });
    return rewrite(deps, found);
  }
  const claim = await reserve(deps, record);
  if (claim.kind === 'later') {
    reschedule(record, claim.due, claim.reservation === undefined ? {} : { reservation: claim.reservation });
    appendHistory(record, { at: clock.now(), type: 'waited', note: 'for its registry slot' });
    return (await rewrite(deps, found)) ?? notWritten(claim.reservation);
  }
  return (await takeLease(deps, found, id, claim.reservation)) ?? notWritten(claim.reservation);

  /** The slot that the record has had before is still its own; another one is free again. */
  function notWritten(reservation: Reservation | null = null): null {
    if (reservation !== null && reservation !== job?.reservation) deps.rateLimiter.release(reservation);
    return null;
  }
}

/** Writes a record with a ticket for later, and sends that ticket's message. */
async function rewrite(
  deps: WorkerDependencies,
  { value, etag }: Row<DeviceRecord>,
): Promise<Admission | null> {
  if (!(await deps.records.write(value, etag))) return null;
  await publish(deps, value);
  return putOff;
}

async function takeLease(
  deps: WorkerDependencies,
  { value: record, etag }: Row<DeviceRecord>,
  id: string,
  reservation: number | null,
): Promise<Admission | null> {
  const { records, clock, settings, rateLimiter } = deps;
  if (record.lease) {
    // Whoever held it died, or left it: what it last did at the hub is not known.
    record.observed.hub = 'unknown';
    if (!record.lease.left) {
      record.attempts += 1;
      appendHistory(record, {
        at: clock.now(),
        type: 'died',
        note: 'the worker that was at it died, or was stopped',
      });
    }
    if (record.attempts >= settings.maxAttempts) {
      // A device that kills its worker must not do so for ever.
      record.lease = null;
      markDead(record, workerDied(), clock.now());
      if (!(await records.write(record, etag))) return null;
      if (reservation !== null) rateLimiter.release(reservation);
      if (!record.job) return putOff;
      deps.status.count('failed');
      productMetrics().failed('worker-died', null);
      return { kind: 'dead', record };
    }
  }
  const startedAt = clock.now();
  record.lease = { by: id, until: startedAt + settings.workLimitMs + settings.leaseGraceMs };
  const { present, service } = record.desired;
  if (present && service !== null && !record.scopes.includes(service)) record.scopes.push(service);
  if (!(await records.write(record, etag))) return null;
  productMetrics().tookUp(startedAt - (record.job?.due ?? startedAt));
  return { kind: 'work', run: startRun(deps, record, id, startedAt, reservation) };
}

function sentByHand(
  dead: NonNullable<Job['dead']>,
  message: ProvisioningMessage,
  { enqueuedAt }: Delivery,
): boolean {
  return !dead.cancelled && enqueuedAt > dead.at && enqueuedAt > message.due + byHandMs;
}
