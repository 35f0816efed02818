import type { ErrorCode, Step } from '../shared/errors.js';
import type { EpochMs } from '../shared/time.js';

/** The level at which balena stores a variable of a device: a service by its name, or '' for the device level. */
export type VariableScope = string;

/** The desired state, from the last accepted request. */
export interface Desired {
  readonly present: boolean;
  /** The scope of the two variables; null when the device is to be absent. */
  readonly service: VariableScope | null;
  /** Rotation: the device must not keep the certificate with this thumbprint. */
  readonly retire?: string;
  /** Rotation after a leak: the hub must stop accepting the retired thumbprint, too. */
  readonly revoke?: boolean;
  readonly requestId: string;
  readonly requestedAt: EpochMs;
  /** The time of the last change of service. */
  readonly movedAt?: EpochMs;
}

/** The pending work of a device. Only the message with this request id and generation may do the work. */
export interface Job {
  /** The number of the job, unique and rising within the record. */
  readonly generation: number;
  /** A change works towards the desired state of a new request. A check compares and repairs, and changes no desired state. */
  readonly kind: 'change' | 'check';
  /** The worker asks the hub instead of trusting the record. */
  readonly forceVerify?: boolean;
  /** The work must not begin before this time. */
  readonly due: EpochMs;
  /** The reserved registry operation, in the rate limiter's virtual time (ms). */
  readonly reservation?: number;
  /** The W3C trace context of the caller. No decision depends on this field. */
  readonly traceparent?: string;
  /** Sending the job's message is known to have failed. */
  readonly unsent?: boolean;
  /** The job failed for good, or was cancelled. */
  readonly dead?: {
    readonly at: EpochMs;
    /** An operator cancelled the bulk action that had requested this job. */
    readonly cancelled?: boolean;
    /** An operator discarded the job, so its dead letter is superseded. */
    readonly discarded?: { readonly at: EpochMs; readonly by: string; readonly reason: string };
  };
}

/** A worker's exclusive right to work on the device. */
export interface Lease {
  /** The id of the run that holds the lease. */
  readonly by: string;
  /** No call of the run starts after this time. A run that lasts longer moves the time. */
  readonly until: EpochMs;
  /** The generation of the job that the run works on. */
  readonly generation: number;
  /** Until this time, a write of the run may still take effect. */
  readonly lateUntil: EpochMs;
  /** The message of the run came back during the run, so the run's worker has probably died. */
  readonly interrupted?: boolean;
  /** The run has ended, but one of its writes may still take effect. The lease runs out by itself. */
  readonly unresolved?: boolean;
}

/** Runs have ended without a result, and their writes may still take effect. */
export interface LateWrites {
  readonly until: EpochMs;
  /** The scopes in which these writes may leave our variables. */
  readonly scopes: readonly VariableScope[];
}

/**
 * The identity at the hub, as far as known. `exists`: there is an identity, but its accepted thumbprints are not known, or the identity is
 * disabled or uses no thumbprints. A pair: the two accepted thumbprints.
 */
export type HubState = 'unknown' | 'none' | 'exists' | [primary: string, secondary: string];

/** The state that the last worker found or made in balena and at the hub. Only workers write this part. */
export interface Observed {
  /** The certificate that both variables hold; null without a certificate, and while only one half of a new pair is stored. */
  readonly thumbprint: string | null;
  /** The certificate before `thumbprint`. The hub may still accept this one. */
  readonly previous: string | null;
  /** The scope of the stored variables. */
  readonly service: VariableScope | null;
  readonly hub: HubState;
  /**
   * The version of the identity that a worker wrote or read last, if that identity had no properties beside those of a new one. The hub
   * refuses an update of another version, so the update needs no reading before. An old etag does no harm.
   */
  readonly hubEtag?: string | undefined;
  /** The fleet's slug. */
  readonly fleet: string | null;
  readonly notBefore: EpochMs | null;
  readonly notAfter: EpochMs | null;
  /** Such as `ec-p256`. */
  readonly keyAlgorithm: string | null;
  /** The end of the last run that succeeded; 0 before. */
  readonly verifiedAt: EpochMs;
}

/** The observed state while a run is changing the device. */
export type ObservedDraft = { -readonly [Name in keyof Observed]: Observed[Name] };

/** The result of one step of a run. */
export interface StepResult {
  readonly step: Step;
  /** The duration in ms. The wait for a registry operation is included. */
  readonly ms: number;
  /** The error of the step; null if the step succeeded. */
  readonly code: ErrorCode | null;
}

/** An entry of the device's history. Operators read the history; no decision depends on it. */
export interface HistoryEvent {
  readonly at: EpochMs;
  readonly type: 'requested' | 'waited' | 'ran' | 'died' | 'replayed' | 'cancelled' | 'discarded';
  /** One sentence. */
  readonly note: string;
  /** The steps of a run. */
  readonly steps?: readonly StepResult[];
}

/** The last error, in a form that may be stored and shown. */
export interface RecordedError {
  readonly code: ErrorCode;
  readonly step: Step | null;
  readonly message: string;
  readonly at: EpochMs;
}

/** The bulk action that requested the present job. */
export interface JobAction {
  readonly id: string;
  /** The record's error before the action: a cancelled replay restores this error. */
  readonly error: RecordedError | null;
  /** What the device had to retire before the action: a cancelled rotation restores these values. */
  readonly previous?: Pick<Desired, 'retire' | 'revoke'>;
}

/**
 * The one row of a device, and the only source of truth about its provisioning. A private key is never part of a record.
 *
 * A record is immutable. Only the functions in `transitions.ts` make a new record from an old one.
 */
export interface DeviceRecord {
  readonly uuid: string;
  readonly desired: Desired;
  readonly job: Job | null;
  readonly lease: Lease | null;
  /** Null if no write of a dead worker may still take effect, or if the device was compared after the last of these writes. */
  readonly late: LateWrites | null;
  readonly observed: Observed;
  /** Scopes that may hold our variables. A lease adds the desired scope before the first write; a run removes cleared scopes. */
  readonly scopes: readonly VariableScope[];
  /** Runs in which the device's own work failed. */
  readonly attempts: number;
  /** Runs that ended with a retry, counted as attempts or not. The back-off grows with this number. */
  readonly retries: number;
  /** Consecutive requests that failed for good. */
  readonly failures: number;
  /** Replays since the device last reached its desired state. */
  readonly replays: number;
  readonly error: RecordedError | null;
  /** Null if the present job was not requested by a bulk action. */
  readonly action: JobAction | null;
  /** The time at which the desired state was reached; null until then. */
  readonly completedAt: EpochMs | null;
  /** The newest event is the last. */
  readonly history: readonly HistoryEvent[];
  /** Until this time a failed request is not accepted again. */
  readonly coolDownUntil: EpochMs;
  readonly firstSeenAt: EpochMs;
  /** The generation of the job that accepting the present request created. */
  readonly firstGeneration: number;
  /** The highest generation so far. This number never falls. */
  readonly lastGeneration: number;
  readonly updatedAt: EpochMs;
  /** A random value, new with every write, by which a writer recognises its own write. */
  readonly stamp: string;
}
