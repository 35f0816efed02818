import type { ErrorCode, Step } from '../shared/errors.js';
import type { EpochMs } from '../shared/time.js';
import type { DeviceRecord, HubState, IssuedBesideOwn, Outside, VariableScope } from './record.js';
import { refusedPart } from './refusal.js';
import {
  hasFailedCheck,
  hasPendingChange,
  heldThumbprint,
  isRotating,
  keyKindOf,
  operationOf,
  type State,
  stateOf,
} from './state.js';

/** The part of a record that lists and counts need. The table has a separate column for the summary, so that a scan of a large fleet reads little. */
export interface Summary {
  uuid: string;
  requestId: string;
  operation: 'provision' | 'rotate' | 'deprovision';
  /** The state without regard to a lease: see `summaryState`. A device whose certificate is rotated is provisioned. */
  state: State;
  /** The end of a lease on a pending change, unless the lease is unresolved; 0 if there is none. */
  leasedUntil: EpochMs;
  service: VariableScope | null;
  /** The kind of the device's key; null for a device that is to be absent. */
  key: 'device' | 'issued' | null;
  /** The issued certificate that stays beside an own one; null if there is none. */
  issued: IssuedBesideOwn | null;
  fleet: string | null;
  /** The last served fleet of the device; null if the device was never seen in a served fleet. */
  servedFleet: string | null;
  /** The device is outside the served fleets; null otherwise. */
  outside: Outside | null;
  code: ErrorCode | null;
  step: Step | null;
  message: string | null;
  /** The time of the error; 0 without an error. */
  errorAt: EpochMs;
  /** The last check failed, or is failing: see `hasFailedCheck`. */
  checkFailed: boolean;
  attempts: number;
  replays: number;
  firstSeenAt: EpochMs;
  requestedAt: EpochMs;
  completedAt: EpochMs | null;
  /** The id of the bulk action that requested the job. */
  action: string | null;
  job: {
    generation: number;
    due: EpochMs;
    /** The time at which the job became dead; null while the job is pending. */
    deadAt: EpochMs | null;
    cancelled: boolean;
    discarded: boolean;
    /** The job has a reservation at the hub. */
    reserved: boolean;
  } | null;
  /** The requested check; null if none is requested. */
  check: { due: EpochMs; forceVerify: boolean } | null;
  thumbprint: string | null;
  previous: string | null;
  hub: HubState;
  /** The host name of the hub that `hub` is about; null if unknown. */
  hubHost: string | null;
  /** The time of the hub's last answer; 0 if unknown. */
  hubSeenAt: EpochMs;
  notBefore: EpochMs | null;
  notAfter: EpochMs | null;
  verifiedAt: EpochMs;
  /** The refused request, as if the record had that request alone; null if no request is refused. See `refusedPart`. */
  refusal: Summary | null;
}

/** Makes the summary of a record. */
export function summarize(record: DeviceRecord): Summary {
  const refused = refusedPart(record);
  const { desired, observed, error, job, lease } = record;
  const rotates = isRotating(record);
  const isWorking = lease !== null && !lease.unresolved && hasPendingChange(record) && !rotates;
  return {
    uuid: record.uuid,
    requestId: desired.requestId,
    operation: operationOf(record),
    state: rotates ? 'provisioned' : stateOf({ ...record, lease: null }, 0),
    leasedUntil: isWorking ? lease.until : 0,
    service: desired.service,
    key: keyKindOf(desired),
    issued: observed.issued ?? null,
    fleet: observed.fleet,
    servedFleet: observed.servedFleet ?? null,
    outside: observed.outside ?? null,
    code: error?.code ?? null,
    step: error?.step ?? null,
    message: error?.message ?? null,
    errorAt: error?.at ?? 0,
    checkFailed: hasFailedCheck(record),
    attempts: record.attempts,
    replays: record.replays,
    firstSeenAt: record.firstSeenAt,
    requestedAt: desired.requestedAt,
    completedAt: record.completedAt,
    action: record.action?.id ?? null,
    job: job && {
      generation: job.generation,
      due: job.due,
      deadAt: job.dead?.at ?? null,
      cancelled: job.dead?.cancelled === true,
      discarded: job.dead?.discarded !== undefined,
      reserved: job.reservation !== undefined,
    },
    check: record.check && { due: record.check.due, forceVerify: record.check.forceVerify === true },
    thumbprint: observed.thumbprint,
    previous: observed.previous,
    hub: observed.hub,
    hubHost: observed.hubHost ?? null,
    hubSeenAt: observed.hubSeenAt ?? 0,
    notBefore: observed.notBefore,
    notAfter: observed.notAfter,
    verifiedAt: observed.verifiedAt,
    refusal: refused && summarize(refused),
  };
}

/** The parts of a summary that have a job of their own: the present request, and the refused request. */
export function partsOf(summary: Summary): Summary[] {
  return summary.refusal ? [summary, summary.refusal] : [summary];
}

/** When the next work is due, as `pendingWork` chooses it; null if no work is pending. */
export function pendingDue({ job, check }: Summary): EpochMs | null {
  return (job && job.deadAt === null ? job : check)?.due ?? null;
}

/** Work that is due later than this is planned: it is no sign that the device is being handled now. */
const plannedAfterMs = 3_600_000;

/** Whether the device is being handled: a change is pending, or a check that is due soon. A check that is planned for later does not count. */
export function isBeingHandled({ job, check }: Summary, now: EpochMs): boolean {
  if (job && job.deadAt === null) return true;
  return check !== null && check.due - now < plannedAfterMs;
}

/**
 * The expiry of the device's certificate.
 *
 * @returns null if the device should have no certificate, has no certificate, or the certificate's expiry is unknown
 */
export function expiryOf(summary: Summary): EpochMs | null {
  const { operation, outside, notAfter } = summary;
  return operation === 'deprovision' || outside || heldThumbprint(summary) === null ? null : notAfter;
}

/** The state that lists show, with the lease taken into account. */
export function summaryState(
  { state, leasedUntil }: Pick<Summary, 'state' | 'leasedUntil'>,
  now: EpochMs,
): State {
  return now < leasedUntil ? 'working' : state;
}
