import { randomUUIDv7 } from 'node:crypto';
import type { DeviceRecord, VariableScope } from '../device/record.js';
import {
  fallbacksOf,
  isBackUnvalidated,
  isSamePlace,
  mostUnvalidated,
  refusedPart,
} from '../device/refusal.js';
import type { Records } from '../device/repository.js';
import {
  type DeviceRequest,
  isForNewKey,
  isSameOwn,
  isSameRequest,
  isUnknown,
  nextNewKeyAt,
} from '../device/request.js';
import {
  hasBegun,
  hasPendingChange,
  isInDesiredState,
  isRevokedOwn,
  operationOf,
  pendingWork,
} from '../device/state.js';
import { requested } from '../device/transitions.js';
import { messageIdOf, publishOrMarkUnsent, type SentRecently } from '../queue/publish.js';
import type { Queue } from '../queue/queue.js';
import type { Clock, EpochMs } from '../shared/time.js';
import { addLogContext } from '../telemetry/logContext.js';
import { productMetrics } from '../telemetry/metrics.js';
import { currentTraceparent } from '../telemetry/traceparent.js';
import { requestCheck } from './check.js';

/** The answer to a request. */
export type Acceptance =
  | Accepted
  /** The device is in the desired state, and a worker looked less than a minute ago. */
  | { kind: 'already-provisioned'; record: DeviceRecord }
  /** The record says that the device is in the desired state. A pending check looks whether that is true, and repairs the device. */
  | { kind: 'checking'; record: DeviceRecord }
  /** The request, or the last check of the device, failed for good. The request is not accepted again before `retryAt`. */
  | { kind: 'failed'; record: DeviceRecord; retryAt: EpochMs }
  /** The device's service, or the kind of its key, was changed less than ten minutes ago. */
  | { kind: 'service-conflict'; record: DeviceRecord; retryAt: EpochMs }
  /** The device has requested too many other own keys. */
  | { kind: 'too-many-keys'; record: DeviceRecord; retryAt: EpochMs }
  /** An operator has revoked the own certificate of the request, or its key. */
  | { kind: 'revoked'; record: DeviceRecord }
  /** The device has an own key, or has proved its identity, and the caller who requests another place has not proved to be the device. */
  | { kind: 'unproved'; record: DeviceRecord };

/** The change is pending, and its message is in the queue. */
export interface Accepted {
  kind: 'accepted';
  record: DeviceRecord;
}

/** Everything that accepting a request uses. */
export interface AcceptDependencies {
  records: Records;
  queue: Queue;
  clock: Clock;
  sentRecently: SentRecently;
}

const minutes = 60_000;
/** The record of a provisioned device is trusted for this time. A later request requests a check: one balena read a minute. */
const lookAgainAfterMs = minutes;
/** A job that is due within this time is near: no request of the device replaces it or moves it up. */
const soonMs = 60_000;
/** The shortest time from a change of service that succeeded to the next. Two services that request in turn would otherwise move the credentials all the time. */
const moveAgainAfterMs = 10 * minutes;
/**
 * The shortest time from a refused request to a request for another service, while a change is pending. A worker needs this time for the
 * change: without it, anybody with the fleet's key could keep a device out by a request for an invented service every 200 ms.
 */
const changeAgainAfterMs = 5_000;
/** A process can die between writing a record and sending its message. After this time, a process that has not sent the message itself sends it. */
const sendAgainAfterMs = 30_000;

/**
 * Accepts a request in one durable step: the record holds the desired state, and a message in the queue makes a worker process the
 * device. A repeated request costs one read.
 *
 * @param isProved true if the caller has proved to be the device; false if the caller has not. Such a caller changes nothing that the device has
 * requested with a proof; an announced request may move the device. Undefined for callers with a key of their own: operators, the sweep
 * @throws ProvisioningError `records-unavailable`, `queue-unavailable`: nothing is promised, and the caller may repeat the request
 */
export async function accept(
  deps: AcceptDependencies,
  wanted: DeviceRequest,
  isProved?: boolean,
): Promise<Acceptance> {
  const request: DeviceRequest = isProved ? { ...wanted, proved: true } : wanted;
  const answer = await writeRequest<Acceptance>(deps, request.uuid, (record) => {
    if (isProved === false && record && needsProof(request, record))
      return { answer: { kind: 'unproved', record } };
    const decided = record && answerWithoutChange(request, record, deps.clock.now());
    return decided ? { answer: decided } : { request };
  });
  return answer.kind === 'already-provisioned' ? look(deps, request, answer.record, isProved) : answer;
}

/**
 * Whether a request would change what the device has requested with a proof: in the present request, or in a request that may come back. An
 * own key always came with a proof, also if the record was lost since. A webhook has a key of its own, and may move a device. The sender does
 * not know the own key of a device, so a webhook does not replace an own key.
 */
function needsProof(request: DeviceRequest, record: DeviceRecord): boolean {
  if (!request.present) return false;
  return [record, ...fallbacksOf(record)].some(
    ({ desired }) =>
      (desired.own || (desired.proved && !request.announced)) && !isSamePlace(desired, request),
  );
}

/**
 * Answers the request of a provisioned device. A device that requests again most likely lacks its variables: a device with variables
 * has no reason to. So a worker looks, at most once a minute, and repairs the device. The answer "already provisioned" makes Cloud
 * Relay refresh its variables, and is given only if the last look was good.
 */
async function look(
  deps: AcceptDependencies,
  request: DeviceRequest,
  record: DeviceRecord,
  isProved: boolean | undefined,
): Promise<Acceptance> {
  const now = deps.clock.now();
  if (isBeingChecked(record, now)) {
    if (needsPublishing(deps, record)) await publishAndRemember(deps, record);
    return { kind: 'checking', record };
  }
  const { observed, error } = record;
  const retryAt = Math.max(observed.verifiedAt, error?.at ?? 0) + lookAgainAfterMs;
  if (now < retryAt)
    return error ? { kind: 'failed', record, retryAt } : { kind: 'already-provisioned', record };
  const checked = await requestCheck(deps, record.uuid);
  // Another request may have changed the record meanwhile. The new record then decides.
  return checked && isSameRequest(request, checked) && isBeingChecked(checked, now)
    ? { kind: 'checking', record: checked }
    : accept(deps, request, isProved);
}

/** A check looks soon, or has found something to repair. The check of a planned renewal may be due in hours. */
function isBeingChecked({ check }: DeviceRecord, now: EpochMs): boolean {
  return check !== null && (check.notBefore === undefined || check.due <= now + soonMs);
}

/**
 * Accepts a request for a device that has just appeared, and only if the device was never requested before. An earlier explicit
 * request, a DELETE in the same moment included, stays in force.
 *
 * @returns null if the device was requested before, unless a provisioning is pending
 * @throws as `accept`
 */
export function acceptNew(
  deps: AcceptDependencies,
  uuid: string,
  service: VariableScope,
): Promise<Accepted | null> {
  return writeRequest<Accepted | null>(deps, uuid, (record) => {
    if (!record) return { request: { uuid, present: true, service, announced: true } };
    const isPending = record.desired.present && hasPendingChange(record);
    const { service: pending } = record.desired;
    // Somebody has requested before. The device need not wait with the devices that callers have invented.
    if (isPending && pending !== null && isUnknown(record))
      return { request: { uuid, present: true, service: pending, announced: true } };
    // If the message of an earlier event could not be sent, the repeated event sends the message.
    return { answer: isPending ? { kind: 'accepted', record } : null };
  });
}

/**
 * Accepts the rotation of a certificate, and only if the device is still requested to be present at the same service, or with the same own
 * certificate. A rotation that crosses with a DELETE, or with another request, must undo neither of them.
 *
 * @returns null if the device is to be absent, is to be at another service or have another own certificate, or has no record any more
 * @throws as `accept`
 */
export function acceptRotation(
  deps: AcceptDependencies,
  request: Extract<DeviceRequest, { present: true }>,
): Promise<Acceptance | null> {
  return writeRequest<Acceptance | null>(deps, request.uuid, (record) => {
    if (!record?.desired.present || record.desired.service !== request.service) return { answer: null };
    if (!isSameOwn(record.desired.own, request.own)) return { answer: null };
    const decided = answerWithoutChange(request, record, deps.clock.now());
    return decided ? { answer: decided } : { request };
  });
}

/** A decision about a request: an answer, or a request to write. */
type Decision<D> = { answer: D } | { request: DeviceRequest };

/**
 * Writes a request into the record, unless the record already has an answer.
 *
 * @param decide decides for the present record, or for no record (null)
 */
async function writeRequest<D extends Acceptance | null>(
  deps: AcceptDependencies,
  uuid: string,
  decide: (record: DeviceRecord | null) => Decision<D>,
): Promise<D | Accepted> {
  let decided: D | undefined;
  const written = await deps.records.amend(uuid, (record) => {
    const decision = decide(record);
    decided = 'answer' in decision ? decision.answer : undefined;
    if ('answer' in decision) return null;
    const context = { now: deps.clock.now(), traceparent: currentTraceparent() };
    return requested(record, context, decision.request, randomUUIDv7());
  });
  if (written) {
    const operation = operationOf(written);
    addLogContext({ uuid: written.uuid, requestId: written.desired.requestId, operation });
    await publishAndRemember(deps, written);
    productMetrics().accepted(operation);
    return { kind: 'accepted', record: written };
  }
  if (decided === undefined) throw new Error('unreachable: no record was written, and no answer was decided');
  if (decided?.kind === 'accepted' && needsPublishing(deps, decided.record))
    await publishAndRemember(deps, decided.record);
  return decided;
}

/** The answer to a request that changes nothing; undefined if the request changes the record. */
function answerWithoutChange(
  request: DeviceRequest,
  record: DeviceRecord,
  now: EpochMs,
): Acceptance | undefined {
  const { job, desired } = record;
  const same = isSameRequest(request, record);
  // An operator's revocation names the own certificate, too.
  const isOfDevice = request.present && request.own && request.retire === undefined;
  if (isOfDevice && isRevokedOwn(desired, request.own)) return { kind: 'revoked', record };
  // A request that came back, and is requested again, is the last request from now on.
  const isLast = !isBackUnvalidated(record) && !waitsForBulkAction(record, now);
  if (same && hasPendingChange(record) && isLast) return { kind: 'accepted', record };
  if (!request.present) return undefined;
  if (same && !job?.dead && isInDesiredState(record)) return { kind: 'already-provisioned', record };
  const refused = refusedPart(record);
  const isFailed = (part: DeviceRecord) =>
    part.job?.dead && (isSameRequest(request, part) || (isOfDevice && isSamePlaceAsFailed(request, part)));
  const failed = [record, ...(refused ? [refused] : [])].find(isFailed);
  if (failed && now < failed.coolDownUntil)
    return { kind: 'failed', record: failed, retryAt: failed.coolDownUntil };
  const nextKeyAt = isOfDevice && isForNewKey(request, desired) ? nextNewKeyAt(desired) : now;
  if (now < nextKeyAt) return { kind: 'too-many-keys', record, retryAt: nextKeyAt };
  // `movedAt` is the time of a move that succeeded. A request that failed keeps the device from no other service.
  // Requests of others, who may have the fleet's key only, cannot make a device wait that proves its identity.
  const isOfDeviceAlone = request.own || (request.proved && !desired.proved);
  const moves = !isOfDeviceAlone && desired.present && desired.service !== request.service && !job?.dead;
  if (moves && desired.movedAt !== undefined && now - desired.movedAt < moveAgainAfterMs)
    return { kind: 'service-conflict', record, retryAt: desired.movedAt + moveAgainAfterMs };
  const retryAt = (lastMistakeAt(record) ?? Number.NEGATIVE_INFINITY) + changeAgainAfterMs;
  return moves && hasPendingChange(record) && now < retryAt
    ? { kind: 'service-conflict', record, retryAt }
    : undefined;
}

/** Why a request for another service has to wait, in a sentence. */
export function whyConflict(record: DeviceRecord): string {
  const { own, service } = record.desired;
  const place = service === '' ? 'the device level' : `the service "${service}"`;
  if (hasPendingChange(record))
    return `A request ${own ? 'with an own key' : `for ${place}`} is pending, and another request was a mistake a moment ago.`;
  const moved = own ? 'The device changed to an own key' : `The credentials were moved to ${place}`;
  return `${moved} less than ten minutes ago.`;
}

/** When the last request was refused; or when the pending one was accepted, if it is the last of many that wait for their validation. */
function lastMistakeAt(record: DeviceRecord): EpochMs | undefined {
  const { desired, refusal } = record;
  const unvalidated = [record, ...fallbacksOf(record)].filter((part) => !part.desired.validated);
  return unvalidated.length > mostUnvalidated ? desired.requestedAt : refusal?.job?.dead?.at;
}

/** A new certificate does not end the cool-down of a request that failed for good, unless a new certificate is the remedy. */
function isSamePlaceAsFailed(
  request: DeviceRequest & { present: true },
  { desired, error }: DeviceRecord,
): boolean {
  return isSamePlace(request, desired) && error?.code !== 'certificate-revoked';
}

/**
 * The pending job belongs to a bulk action, and its turn comes later. A device that requests for itself cannot wait for hours: its
 * own request replaces the job, and the bulk action leaves the device alone.
 */
function waitsForBulkAction(record: DeviceRecord, now: EpochMs): boolean {
  const { action, job } = record;
  return action !== null && !hasBegun(record) && job !== null && job.due > now + soonMs;
}

function needsPublishing({ clock, sentRecently }: AcceptDependencies, record: DeviceRecord): boolean {
  const { firstGeneration, lease } = record;
  const work = pendingWork(record);
  if (!work || sentRecently.has(messageIdOf(record))) return false;
  const isOverdue = clock.now() - work.due > sendAgainAfterMs;
  return work.unsent === true || (work.generation === firstGeneration && !lease && isOverdue);
}

async function publishAndRemember(deps: AcceptDependencies, record: DeviceRecord): Promise<void> {
  await publishOrMarkUnsent(deps, record);
  deps.sentRecently.add(messageIdOf(record));
}
