import type { ErrorCode, Step } from '../shared/errors.js';
import type { DeviceRecord, HubState, VariableScope } from './record.js';
import { hasPendingChange, operationOf, type State, stateOf } from './state.js';

/** What lists and counts need of a record: a column of its own beside it, so that a scan of a large fleet reads little. Times are Unix ms. */
export interface Summary {
  uuid: string;
  requestId: string;
  operation: 'provision' | 'rotate' | 'deprovision';
  /** Without regard to a lease: see `summaryState`. */
  state: State;
  /** Of a lease that was not left; 0 if there is none. */
  leasedUntil: number;
  service: VariableScope | null;
  fleet: string | null;
  code: ErrorCode | null;
  step: Step | null;
  message: string | null;
  attempts: number;
  replays: number;
  firstSeenAt: number;
  requestedAt: number;
  completedAt: number | null;
  /** The bulk action that last asked for it. */
  action: string | null;
  job: {
    generation: number;
    kind: 'change' | 'check';
    due: number;
    /** When it was given up; null while it is live. */
    deadAt: number | null;
    cancelled: boolean;
    discarded: boolean;
    /** It has its registry slot. */
    reserved: boolean;
  } | null;
  thumbprint: string | null;
  previous: string | null;
  hub: HubState;
  notBefore: number | null;
  notAfter: number | null;
  verifiedAt: number;
}

export function summarize(record: DeviceRecord): Summary {
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
  };
}

/** @param now Unix ms */
export function summaryState({ state, leasedUntil }: Summary, now: number): State {
  return now < leasedUntil ? 'working' : state;
}
