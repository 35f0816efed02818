import type { EpochMs } from '../shared/time.js';
import type {
  Check,
  Desired,
  DeviceRecord,
  HubState,
  Job,
  Observed,
  OwnKey,
  PendingWork,
  Retirement,
} from './record.js';

/** Whether the job waits for a worker, or a worker is working on the job. A dead job is not pending. */
export function isPending(job: Job | null): job is Job {
  return job !== null && !job.dead;
}

/** Whether a worker has begun the pending job: a run is under way or has failed, or the job has a reservation. */
export function hasBegun({ job, lease, attempts, retries, quickTries }: DeviceRecord): boolean {
  if (job?.reservation !== undefined || job?.lookUp !== undefined) return true;
  return lease !== null || attempts > 0 || retries > 0 || quickTries > 0;
}

/** Whether a change is pending. Requests and replays start changes. */
export function hasPendingChange({ job }: Pick<DeviceRecord, 'job'>): boolean {
  return isPending(job);
}

/** The work that a worker has to do next: the pending change, otherwise the check; null if there is none. */
export function pendingWork({ job, check }: Pick<DeviceRecord, 'job' | 'check'>): PendingWork | null {
  return isPending(job) ? job : check;
}

/** Whether the next work is a check. */
export function isCheckNext({ job, check }: Pick<DeviceRecord, 'job' | 'check'>): boolean {
  return check !== null && !isPending(job);
}

/** Whether the present request failed because balena has no such device, and no worker has seen the device so far. */
export function isUnknownDevice({ job, observed }: Pick<DeviceRecord, 'job' | 'observed'>): boolean {
  return job?.dead?.unknown === true && observed.fleet === null && !isDeadByOperator(job);
}

/** Whether an operator has cancelled or discarded the job. No worker may continue such a job, and a check of the device only looks. */
export function isDeadByOperator(job: Job | null): boolean {
  return job?.dead?.cancelled === true || job?.dead?.discarded !== undefined;
}

/** The work of a message: the record's job, pending or dead, or the check if it is the next work. Null if the message is superseded. */
export function workOfMessage(
  { job, check, desired }: Pick<DeviceRecord, 'job' | 'check' | 'desired'>,
  { requestId, generation }: { requestId: string; generation: number },
): Job | Check | null {
  if (desired.requestId !== requestId) return null;
  if (job?.generation === generation) return job;
  return !isPending(job) && check?.generation === generation ? check : null;
}

/** Whether the message was sent for the record's present job, pending or dead. A dead letter of any other job is superseded. */
export function isMessageOfJob(
  { job, desired }: Pick<DeviceRecord, 'job' | 'desired'>,
  { requestId, generation }: { requestId: string | null; generation: number | null },
): boolean {
  return job !== null && job.generation === generation && desired.requestId === requestId;
}

/** Whether the next work only looks whether balena still has the device: it is the check of a request that an operator has ended. */
export function onlyLooks(record: Pick<DeviceRecord, 'job' | 'check'>): boolean {
  return isCheckNext(record) && isDeadByOperator(record.job);
}

/** Whether the hub is known to accept this thumbprint. */
export function hubAccepts(hub: HubState, thumbprint: string): boolean {
  return Array.isArray(hub) && hub.includes(thumbprint);
}

/** Whether the device must not keep the certificate with this thumbprint. */
export function isToRetire({ retire = [], revoke = [] }: Retirement, thumbprint: string | null): boolean {
  return thumbprint !== null && (retire.includes(thumbprint) || revoke.includes(thumbprint));
}

/** Whether the hub must stop accepting this thumbprint. */
export function isToRevoke({ revoke = [] }: Retirement, thumbprint: string | null): boolean {
  return thumbprint !== null && revoke.includes(thumbprint);
}

/** Whether an operator has revoked a certificate of this key. @param key as in `PublicKey` */
export function isRevokedKey({ revokedKeys = [] }: Retirement, key: string): boolean {
  return revokedKeys.includes(key);
}

/** Whether the own key, or its certificate, is revoked. */
export function isRevokedOwn(retirement: Retirement, own: Pick<OwnKey, 'key' | 'thumbprint'>): boolean {
  return isRevokedKey(retirement, own.key) || isToRevoke(retirement, own.thumbprint);
}

/**
 * The own certificate before another one, unless that certificate is revoked, or may be of a revoked key. After the loss of a record, the key of the
 * certificate before is not known.
 */
export function unrevokedBefore(
  { desired, observed }: { desired: Retirement; observed: Pick<Observed, 'ownKeys'> },
  own: Pick<OwnKey, 'key' | 'thumbprint' | 'before'>,
): string | null {
  const { before } = own;
  if (before === null || isToRevoke(desired, before)) return null;
  const key = observed.ownKeys?.[before];
  const isRevoked = key === undefined ? isRevokedOwn(desired, own) : isRevokedKey(desired, key);
  return isRevoked ? null : before;
}

/** Whether the hub is known to accept a thumbprint that it must stop accepting. */
export function acceptsRevoked({ revoke = [] }: Retirement, hub: HubState): boolean {
  return revoke.some((thumbprint) => hubAccepts(hub, thumbprint));
}

/** Whether the record is about another hub than the given one. Such a record does not say what the given hub accepts. */
export function isOfOtherHub({ hubHost }: { hubHost?: string | null }, present: string | null): boolean {
  return hubHost != null && present !== null && hubHost !== present;
}

/** The kind of the key that a device is to use: made by the device, or issued by this product. Null for a device that is to be absent. */
export function keyKindOf({ present, own }: Pick<Desired, 'present' | 'own'>): 'device' | 'issued' | null {
  if (!present) return null;
  return own ? 'device' : 'issued';
}

/** Whether a device with an own key needs no issued certificate any more, or the time of the issued certificate has passed. */
export function isHandedOver(
  { desired, observed }: { desired: Pick<Desired, 'own'>; observed: Pick<Observed, 'issued'> },
  now: EpochMs,
): boolean {
  const until = observed.issued?.until ?? null;
  return desired.own?.handedOver === true || (until !== null && now >= until);
}

/**
 * Whether the last observed state of a device equals the desired state with an own key: the hub accepts the own certificate, and beside it only
 * the own certificate before, or an issued certificate that stays. The variables stay with the issued certificate.
 */
export function usesOwnKey({ desired, observed, scopes }: DeviceRecord): boolean {
  const { own } = desired;
  const { thumbprint, service, hub, issued } = observed;
  if (!own || thumbprint === null || thumbprint !== own.thumbprint || service !== null) return false;
  if (!hubAccepts(hub, thumbprint) || isRevokedKey(desired, own.key)) return false;
  const other = issued ? issued.thumbprint : own.before;
  if (Array.isArray(hub) && hub.some((each) => each !== thumbprint && each !== other)) return false;
  if (issued ? own.handedOver : scopes.length > 0) return false;
  // Only the device can replace its certificate. A rotation of the device's issued key may have named this certificate.
  return !isToRevoke(desired, thumbprint) && !acceptsRevoked(desired, hub);
}

/** Whether the last observed state of the device equals the desired state. A device with a dead job is never in its desired state. */
export function isInDesiredState(record: DeviceRecord): boolean {
  const { desired, observed, scopes, job } = record;
  if (job?.dead) return false;
  if (desired.own) return usesOwnKey(record);
  if (!desired.present) return observed.hub === 'none' && observed.thumbprint === null && scopes.length === 0;
  return (
    observed.thumbprint !== null &&
    observed.service === desired.service &&
    hubAccepts(observed.hub, observed.thumbprint) &&
    scopes.every((scope) => scope === observed.service) &&
    !isToRetire(desired, observed.thumbprint) &&
    !acceptsRevoked(desired, observed.hub)
  );
}

/**
 * The thumbprint of the certificate that the device uses, as far as known; null if the device has none.
 *
 * While a run stores a new pair, and after a run that failed between the two writes, the record has no current thumbprint. The
 * device then still uses the previous certificate.
 */
export function heldThumbprint({
  thumbprint,
  previous,
}: Pick<Observed, 'thumbprint' | 'previous'>): string | null {
  return thumbprint ?? previous;
}

/** Whether a run stored only one half of a new pair. The recorded dates are then the dates of the previous certificate, as far as known. */
export function isHalfStored({ thumbprint, previous }: Pick<Observed, 'thumbprint' | 'previous'>): boolean {
  return thumbprint === null && previous !== null;
}

/**
 * Whether the next work goes before all other work: a deprovisioning, a revocation, and the rest of a run that stored only one half of a new
 * pair.
 */
export function goesFirst(record: Pick<DeviceRecord, 'job' | 'check' | 'desired' | 'observed'>): boolean {
  const { desired, observed } = record;
  if (!desired.present) return isPending(record.job);
  return (
    isHalfStored(observed) ||
    isToRevoke(desired, heldThumbprint(observed)) ||
    acceptsRevoked(desired, observed.hub)
  );
}

/** The operation of the record's request, in the API's words. */
export function operationOf({
  desired,
}: Pick<DeviceRecord, 'desired'>): 'provision' | 'rotate' | 'deprovision' {
  if (!desired.present) return 'deprovision';
  return desired.retire?.length ? 'rotate' : 'provision';
}

/**
 * Whether the pending change only replaces a certificate that the hub accepts. The device stays provisioned meanwhile, for lists and
 * counts.
 */
export function isRotating(record: Pick<DeviceRecord, 'job' | 'desired' | 'observed'>): boolean {
  const held = heldThumbprint(record.observed);
  return (
    hasPendingChange(record) &&
    operationOf(record) === 'rotate' &&
    held !== null &&
    hubAccepts(record.observed.hub, held)
  );
}

/** A state of a device, as API, page and CLI show it. */
export type State =
  | 'queued'
  | 'working'
  | 'retrying'
  | 'provisioned'
  | 'deprovisioned'
  | 'outside'
  | 'failed';

/** Whether the device has left the served fleets. A request that failed meanwhile is shown as failed. */
function isOutside({ job, desired, observed }: DeviceRecord): boolean {
  return observed.outside !== undefined && desired.present && !job?.dead;
}

/**
 * Whether the last check of the device failed, or a check is failing and is tried again. The device may be provisioned all the same. The
 * error of a dead request is the error of the request.
 */
export function hasFailedCheck({
  job,
  error,
  observed,
}: Pick<DeviceRecord, 'job' | 'error' | 'observed'>): boolean {
  return job === null && error !== null && observed.outside === undefined;
}

/** The reasons for which a device without a dead job may need an operator. */
export const attentions = ['check-failed', 'outside'] as const;
export type Attention = (typeof attentions)[number];

/** Why the device may need an operator; null if no reason is known. A dead job is not a reason here: dead letters show it. */
export function attentionOf(record: DeviceRecord): Attention | null {
  if (isOutside(record)) return 'outside';
  return hasFailedCheck(record) ? 'check-failed' : null;
}

/** The state that API, page and CLI show. No decision depends on this state. */
export function stateOf(record: DeviceRecord, now: EpochMs): State {
  const { lease, desired } = record;
  if (hasPendingChange(record)) {
    if (lease && !lease.unresolved && now < lease.until) return 'working';
    return record.error ? 'retrying' : 'queued';
  }
  if (isOutside(record)) return 'outside';
  if (!isInDesiredState(record)) return 'failed';
  return desired.present ? 'provisioned' : 'deprovisioned';
}
