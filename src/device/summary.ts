import type { ErrorCode, Step } from '../shared/errors.js';
import type { EpochMs } from '../shared/time.js';
import type { DeviceRecord, HubState, VariableScope } from './record.js';
import { isTakenUp, refusedPart } from './refusal.js';
import { hasPendingChange, operationOf, type State, stateOf } from './state.js';

/** The part of a record that lists and counts need. The table has a separate column for the summary, so that a scan of a large fleet reads little. */
export interface Summary {
  uuid: string;
  requestId: string;
  operation: 'provision' | 'rotate' | 'deprovision';
  /** The state without regard to a lease: see `summaryState`. */
  state: State;
  /** The end of a lease on a pending change, unless the lease is unresolved; 0 if there is none. */
  leasedUntil: EpochMs;
  service: VariableScope | null;
  fleet: string | null;
  code: ErrorCode | null;
  step: Step | null;
  message: string | null;
  attempts: number;
  replays: number;
  firstSeenAt: EpochMs;
  requestedAt: EpochMs;
  completedAt: EpochMs | null;
  /** The id of the bulk action that requested the job. */
  action: string | null;
  job: {
    generation: number;
    kind: 'change' | 'check';
    due: EpochMs;
    /** The time at which the job became dead; null while the job is pending. */
    deadAt: EpochMs | null;
    cancelled: boolean;
    discarded: boolean;
    /** The job has a reservation at the hub. */
    reserved: boolean;
  } | null;
  thumbprint: string | null;
  previous: string | null;
  hub: HubState;
  notBefore: EpochMs | null;
  notAfter: EpochMs | null;
  verifiedAt: EpochMs;
  /** The request failed for good, and is taken up again once its cause may be gone. */
  isTakenUp: boolean;
  /** The refused request, as if the record had that request alone; null if no request is refused. See `refusedPart`. */
  refusal: Summary | null;
}

/** Makes the summary of a record. */
export function summarize(record: DeviceRecord): Summary {
  const refused = refusedPart(record);
  const { desired, observed, error, job, lease } = record;
  return {
    uuid: record.uuid,
    requestId: desired.requestId,
    operation: operationOf(record),
    state: stateOf({ ...record, lease: null }, 0),
    leasedUntil: lease && !lease.unresolved && hasPendingChange(record) ? lease.until : 0,
    service: desired.service,
    fleet: observed.fleet,
    code: error?.code ?? null,
    step: error?.step ?? null,
    message: error?.message ?? null,
    attempts: record.attempts,
    replays: record.replays,
    firstSeenAt: record.firstSeenAt,
    requestedAt: desired.requestedAt,
    completedAt: record.completedAt,
    action: record.action?.id ?? null,
    job: job && {
      generation: job.generation,
      kind: job.kind,
      due: job.due,
      deadAt: job.dead?.at ?? null,
      cancelled: job.dead?.cancelled === true,
      discarded: job.dead?.discarded !== undefined,
      reserved: job.reservation !== undefined,
    },
    thumbprint: observed.thumbprint,
    previous: observed.previous,
    hub: observed.hub,
    notBefore: observed.notBefore,
    notAfter: observed.notAfter,
    verifiedAt: observed.verifiedAt,
    isTakenUp: isTakenUp(record),
    refusal: refused && summarize(refused),
  };
}

/** The parts of a summary that have a job of their own: the present request, and the refused request. */
export function partsOf(summary: Summary): Summary[] {
  return summary.refusal ? [summary, summary.refusal] : [summary];
}

/** The state that lists show, with the lease taken into account. */
export function summaryState({ state, leasedUntil }: Summary, now: EpochMs): State {
  return now < leasedUntil ? 'working' : state;
}
