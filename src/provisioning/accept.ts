import { randomUUIDv7 } from 'node:crypto';
import type { Desired, DeviceRecord, VariableScope } from '../device/record.js';
import type { Records } from '../device/repository.js';
import { isInDesiredState, isPending, operationOf, sameDesired } from '../device/state.js';
import { appendHistory, newRecord, reschedule } from '../device/transitions.js';
import { messageIdOf, publishOrMarkUnsent, type SentRecently } from '../queue/publish.js';
import type { Queue } from '../queue/queue.js';
import type { Clock } from '../shared/time.js';
import { addLogContext } from '../telemetry/logContext.js';
import { productMetrics } from '../telemetry/metrics.js';
import { check } from './check.js';

/** What is asked for: a device at a service ('' for the device level), or its absence. */
export type DeviceRequest = (
  | { uuid: string; present: true; service: VariableScope; retire?: string; revoke?: boolean }
  | { uuid: string; present: false }
) & {
  /** Unix ms before which the work is not to begin; default: now. */
  due?: number;
  /** Have the worker ask the hub instead of believing the record. */
  forceVerify?: boolean;
  /** The bulk action of ops on whose behalf it is asked. */
  action?: string;
};

export type Acceptance =
  | Accepted
  | { kind: 'already-provisioned'; record: DeviceRecord }
  /** It failed for good, and is not taken up again before this Unix ms. */
  | { kind: 'failed'; record: DeviceRecord; retryAt: number }
  /** Its service was changed less than ten minutes ago. */
  | { kind: 'service-conflict'; record: DeviceRecord; retryAt: number };

/** It is under way, and its message is in the queue. */
export interface Accepted {
  kind: 'accepted';
  record: DeviceRecord;
}

export interface AcceptDependencies {
  records: Records;
  queue: Queue;
  clock: Clock;
  sentRecently: SentRecently;
}

const minutes = 60_000;
const verifyAfterMs = 10 * minutes;
/** A turn that comes sooner is not worth a new request. */
const soonMs = 60_000;
const moveAgainAfterMs = 10 * minutes;
/** A record that was written can have lost its message with the process that was to send it: asked again after this, it is sent again. */
const sendAgainAfterMs = 30_000;

/**
 * Takes a request in one durable step: the record says what the device should be, and a message in the queue nudges a worker
 * to look at it. A repeated ask costs one read.
 *
 * @throws ProvisioningError `records-unavailable`, `queue-unavailable`: nothing is promised, and asking again is harmless
 */
export async function accept(deps: AcceptDependencies, requested: DeviceRequest): Promise<Acceptance> {
  const answer = await take(deps, requested, (record) => withoutChange(requested, record, deps.clock.now()));
  const { kind, record } = answer;
  if (kind === 'already-provisioned' && deps.clock.now() - record.observed.verifiedAt > verifyAfterMs) {
    // A courtesy to the device: that it cannot be asked for now does not change the answer.
    await check(deps, record.uuid).catch(() => {});
  }
  return answer;
}

/**
 * Takes a request on behalf of a device that has just appeared, and only if nothing was ever asked for it: what was asked for
 * by someone who knows, a DELETE in the same moment included, stands.
 *
 * @returns null if something was asked for it, and nothing of that is owed
 * @throws as `accept`
 */
export function acceptNew(
  deps: AcceptDependencies,
  uuid: string,
  service: VariableScope,
): Promise<Accepted | null> {
  return take<Accepted | null>(deps, { uuid, present: true, service }, (record) => {
    const { desired, job } = record;
    // The same event again, after the record was written and its message could not be sent: asked again, it is sent.
    return desired.present && isPending(job) && job.kind === 'change' ? { kind: 'accepted', record } : null;
  });
}

/**
 * @param decide the answer that a record gives already; undefined to write the request into it
 */
async function take<D extends Acceptance | null>(
  deps: AcceptDependencies,
  requested: DeviceRequest,
  decide: (record: DeviceRecord) => D | undefined,
): Promise<D | Accepted> {
  let decided: D | undefined;
  const written = await deps.records.amend(requested.uuid, (record) => {
    decided = record ? decide(record) : undefined;
    return decided === undefined ? request(requested, record, deps.clock.now()) : null;
  });
  if (written) {
    const operation = operationOf(written);
    addLogContext({ uuid: written.uuid, requestId: written.desired.requestId, operation });
    await sendAndRemember(deps, written);
    productMetrics().accepted(operation);
    return { kind: 'accepted', record: written };
  }
  if (decided === undefined) throw new Error('unreachable: nothing was written and nothing decided');
  if (decided?.kind === 'accepted' && needsSending(deps, decided.record))
    await sendAndRemember(deps, decided.record);
  return decided;
}

/** The answer to a request that changes nothing, if it is one. */
function withoutChange(requested: DeviceRequest, record: DeviceRecord, now: number): Acceptance | undefined {
  const { job, desired } = record;
  const same = sameDesired(requested, record);
  if (same && isPending(job) && job.kind === 'change' && !waitsForItsTurn(record, now))
    return { kind: 'accepted', record };
  if (!requested.present) return undefined;
  if (same && !job?.dead && isInDesiredState(record)) return { kind: 'already-provisioned', record };
  if (same && job?.dead && now < record.coolDownUntil)
    return { kind: 'failed', record, retryAt: record.coolDownUntil };
  const moves = desired.present && desired.service !== requested.service;
  if (moves && desired.movedAt !== undefined && now - desired.movedAt < moveAgainAfterMs) {
    return { kind: 'service-conflict', record, retryAt: desired.movedAt + moveAgainAfterMs };
  }
  return undefined;
}

/**
 * It was asked for by a bulk action that has not come to it yet. A device that asks by itself is one that cannot wait for hours:
 * it is taken as a new request, and the action leaves it alone.
 */
function waitsForItsTurn({ action, job, lease, attempts, retries }: DeviceRecord, now: number): boolean {
  const isBegun = lease !== null || attempts > 0 || retries > 0 || job?.reservation !== undefined;
  return action !== null && !isBegun && job !== null && job.due > now + soonMs;
}

/** The record with the new request. Touches neither lease nor observed nor places: those are the worker's. */
function request(requested: DeviceRequest, found: DeviceRecord | null, now: number): DeviceRecord {
  const desired = desiredOf(requested, found, now);
  const record = found ?? newRecord(requested.uuid, desired, now);
  const { retire, revoke } = record.desired;
  record.desired = desired;
  // What is owed already does not wait longer for a bulk action's sake.
  const owed = found && isPending(found.job) && found.job.kind === 'change' ? found.job.due : Infinity;
  reschedule(record, Math.max(now, Math.min(owed, requested.due ?? now)), {
    kind: 'change',
    forceVerify: requested.forceVerify ?? false,
  });
  Object.assign(record, {
    firstGeneration: record.lastGeneration,
    attempts: 0,
    retries: 0,
    error: null,
    completedAt: null,
  });
  const before = { ...(retire !== undefined && { retire }), ...(revoke !== undefined && { revoke }) };
  record.action = requested.action === undefined ? null : { id: requested.action, error: null, before };
  const what = operationOf(record);
  appendHistory(record, {
    at: now,
    type: 'requested',
    note: `${what}${requested.present ? ` at ${requested.service === '' ? 'the device level' : requested.service}` : ''}`,
  });
  return record;
}

function desiredOf(requested: DeviceRequest, found: DeviceRecord | null, now: number): Desired {
  const requestId = randomUUIDv7();
  const before = found?.desired;
  const desired: Desired = {
    present: requested.present,
    service: requested.present ? requested.service : null,
    requestId,
    requestedAt: now,
  };
  if (requested.present && before?.present) {
    const movedAt = before.service === requested.service ? before.movedAt : now;
    if (movedAt !== undefined) desired.movedAt = movedAt;
  }
  // Carried along, through absent too, until an absent has ended: a revoked certificate must not come back.
  if (before && (before.present || found.job)) {
    if (before.retire !== undefined) desired.retire = before.retire;
    if (before.revoke) desired.revoke = true;
  }
  if (requested.present && requested.retire !== undefined) {
    desired.revoke = requested.revoke || (before?.revoke === true && before.retire === requested.retire);
    desired.retire = requested.retire;
  }
  return desired;
}

function needsSending({ clock, sentRecently }: AcceptDependencies, record: DeviceRecord): boolean {
  const { job, firstGeneration, lease } = record;
  if (!isPending(job) || sentRecently.has(messageIdOf(record))) return false;
  return (
    job.unsent === true ||
    (job.generation === firstGeneration && !lease && clock.now() - job.due > sendAgainAfterMs)
  );
}

async function sendAndRemember(deps: AcceptDependencies, record: DeviceRecord): Promise<void> {
  await publishOrMarkUnsent(deps, record);
  deps.sentRecently.add(messageIdOf(record));
}
