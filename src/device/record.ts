import type { ErrorCode, Step } from '../shared/errors.js';
import type { Reservation } from '../shared/reservation.js';
import type { EpochMs } from '../shared/time.js';
import type { Places } from './lists.js';

/** The level at which balena stores a variable of a device: a service by its name, or '' for the device level. */
export type VariableScope = string;

/** A public key of a device. The private key never leaves the device. */
export interface PublicKey {
  /** The SHA-256 of the public key (SPKI), upper-case hex. */
  readonly key: string;
  /** Such as `ec-p256`. */
  readonly keyAlgorithm: string;
}

/** A certificate of an own key. */
export interface OwnCertificate extends PublicKey {
  /** SHA-256, upper-case hex. */
  readonly thumbprint: string;
  readonly notBefore: EpochMs;
  readonly notAfter: EpochMs;
  /** The certificate (base64 of the DER) if the CA has signed it. Missing if the device has signed it itself. */
  readonly certificate?: string | undefined;
}

/** The own key of a certificate request. The CA has not signed a certificate yet. */
export interface KeyToSign extends PublicKey {
  readonly thumbprint: null;
  /** Base64 of the SPKI. */
  readonly publicKey: string;
}

/** The own key that a device is to use, with its certificate, or before the CA has signed one. */
export type OwnKey = (OwnCertificate | KeyToSign) & KeyHistory;

/** What came before an own key. */
export interface KeyHistory {
  /** The last own certificate before this one that the hub has accepted; null if there is none. The hub accepts this one until the next rotation. */
  readonly before: string | null;
  /**
   * The device needs no issued certificate any more: the device has shown that it uses an own certificate, or it had no issued certificate
   * when the hub first accepted an own one.
   */
  readonly handedOver?: true;
}

/** The desired state, from the last accepted request. */
export interface Desired {
  readonly present: boolean;
  /** The scope of the two variables; null when the device is to be absent, or to use an own key. */
  readonly service: VariableScope | null;
  /** The own key of a device that is to be present without variables; missing for a device with an issued key. */
  readonly own?: OwnKey;
  /** Rotations: the device must not keep a certificate with one of these thumbprints. The newest is the last; none if missing. */
  readonly retire?: readonly string[];
  /** Rotations after a leak: the device must not keep these thumbprints either, and the hub must stop accepting them. */
  readonly revoke?: readonly string[];
  /** The own keys (as in `PublicKey`) of revoked certificates: no other certificate of such a key is accepted. The newest is the last. */
  readonly revokedKeys?: readonly string[];
  readonly requestId: string;
  readonly requestedAt: EpochMs;
  /** The time at which the last change of service succeeded. */
  readonly movedAt?: EpochMs;
  /** A run has found that balena has the device and the service, and that the fleet is served. */
  readonly validated?: boolean;
  /** When the last requests for another own key were accepted, the oldest first, see `mostNewKeys`. */
  readonly newKeys?: readonly EpochMs[];
  /** balena's event or the sweep has announced the device: a device that balena does not show yet will appear. */
  readonly announced?: true;
  /** The device has proved its identity with this request, or with an earlier one. */
  readonly proved?: true;
}

/** The certificates and keys that the device must not keep. */
export type Retirement = Pick<Desired, 'retire' | 'revoke' | 'revokedKeys'>;

/** Work of a device that waits for a worker. Only the message with the record's request id and this generation may do the work. */
export interface PendingWork {
  /** The number of the work, unique and rising within the record. */
  readonly generation: number;
  /** The worker asks the hub instead of trusting the record. */
  readonly forceVerify?: boolean;
  /** The work must not begin before this time. */
  readonly due: EpochMs;
  /** The place in the line for a registry operation. The work keeps its place until the work is done, also if a run has used the place. */
  readonly reservation?: Reservation;
  /** The place in the line for a look-up in balena. */
  readonly lookUp?: Reservation;
  /** The W3C trace context of the caller. No decision depends on this field. */
  readonly traceparent?: string;
  /** Sending the message of the work is known to have failed. */
  readonly unsent?: boolean;
}

/** The work towards the desired state of the last request. */
export interface Job extends PendingWork {
  /** The job failed for good, or was cancelled. */
  readonly dead?: {
    readonly at: EpochMs;
    /** balena has no such device, and never had. The job has no dead letter: requests for random UUIDs must not fill the queue. */
    readonly unknown?: true;
    /** An operator cancelled the bulk action that had requested this job. */
    readonly cancelled?: boolean;
    /** An operator discarded the job, so its dead letter is superseded. */
    readonly discarded?: { readonly at: EpochMs; readonly by: string; readonly reason: string };
    /** The messages of the job that went to the dead-letter queue, the newest last. Only one of these messages can be resent by an operator. */
    readonly deadLetters?: readonly DeadLetterOfJob[];
  };
}

/** A message of a dead job in the dead-letter queue. A tool that resends the message may change everything but the body. */
export interface DeadLetterOfJob {
  /** The `due` in the body. */
  readonly due: EpochMs;
  /** In the body of a copy: the sequence number of the copied message. Two copies for the end of one lease have the same `due`. */
  readonly from?: string | undefined;
  /** The time at which the message became active before it went to the dead-letter queue, by the broker's clock. */
  readonly activeAt: EpochMs;
}

/**
 * A worker is to compare the device with its desired state, and to repair differences. A check is beside the job: a check waits while a job
 * is pending, and a dead job stays while a check is under way.
 */
export interface Check extends PendingWork {
  /** The check was requested for this later time. A request for an earlier time brings the check forward. */
  readonly notBefore?: EpochMs;
  /** The reason of a sweep that goes beyond a hint: see `CheckNotice`. */
  readonly notice?: CheckNotice;
  /**
   * The check was requested while a run was under way, or its time had not come when the run of a change began. That run may have looked too
   * early, so the check follows the run.
   */
  readonly again?: boolean;
}

/**
 * A conclusion of a sweep over whole fleets, which no run over one device can draw. The mass deletion guard, or an operator, has agreed.
 *
 * - `outside`: the sweep has missed the device in the served fleets. The worker looks whether the device is in another fleet.
 * - `fleet-deleted`: the fleet is not visible, and an operator has confirmed that the fleet was deleted.
 */
export type CheckNotice = 'outside' | 'fleet-deleted';

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
  /** The host name of the hub that `hub` is about. */
  readonly hubHost?: string;
  /** The time of the hub's last answer to a call for this device. */
  readonly hubSeenAt?: EpochMs;
  /** The fleet's slug. */
  readonly fleet: string | null;
  /** The CA has signed the certificate `thumbprint`. Missing if the certificate is self-signed. */
  readonly issuer?: 'ca' | undefined;
  /** The keys of own certificates that the hub may accept: `thumbprint` of the certificate, and `key` as in `PublicKey`. */
  readonly ownKeys?: Readonly<Record<string, string>> | undefined;
  /** The issued certificate that the hub accepts beside an own one; missing if there is none. */
  readonly issued?: IssuedBesideOwn | undefined;
  /** balena has refused the last write of a variable. The next run proves the right to write before the run calls the hub. */
  readonly writeRefused?: true | undefined;
  /** The slug of the last served fleet in which a worker saw the device. */
  readonly servedFleet?: string;
  /** The device is in a fleet that is not served (FLEETS). Not set for a device of a served fleet. */
  readonly outside?: Outside;
  readonly notBefore: EpochMs | null;
  readonly notAfter: EpochMs | null;
  /** Such as `ec-p256`. */
  readonly keyAlgorithm: string | null;
  /** The end of the last run that succeeded; 0 before. */
  readonly verifiedAt: EpochMs;
}

/** An issued certificate that stays valid after the change to an own key. Its variables stay stored, too. */
export interface IssuedBesideOwn {
  readonly thumbprint: string;
  /** The certificate is retired at this time; null until a run with the own key has succeeded. */
  readonly until: EpochMs | null;
}

/** A device outside the served fleets. */
export interface Outside {
  /** When a worker first saw the device in the other fleet. */
  readonly since: EpochMs;
  /** The number of sweeps that have missed the device, each confirmed by a worker. */
  readonly sightings: number;
  /** The hub identity was removed or disabled, as the setting UNSERVED_IDENTITY says. */
  readonly isHandled: boolean;
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
  readonly previous?: Retirement;
}

/** The part of a record that belongs to one request. */
export type RequestPart = Pick<
  DeviceRecord,
  | 'desired'
  | 'job'
  | 'fallback'
  | 'attempts'
  | 'failures'
  | 'replays'
  | 'error'
  | 'action'
  | 'completedAt'
  | 'coolDownUntil'
>;

/**
 * The one row of a device, and the only source of truth about its provisioning. A private key is never part of a record.
 *
 * A record is immutable. Only the functions of `transitions.ts` make a new record from an old one.
 */
export interface DeviceRecord {
  readonly uuid: string;
  readonly desired: Desired;
  /** The work for the last request, pending or dead; null once the request is done. */
  readonly job: Job | null;
  /**
   * The request that comes back if the present request is refused; null if there is none. The fallback of a request that was never
   * validated is the request before. The last of them is validated, or a deprovisioning, or has no fallback.
   */
  readonly fallback: RequestPart | null;
  /** The last refused request, with its dead job. See `refusedPart`. */
  readonly refusal: RequestPart | null;
  /** The requested comparison; null if none is requested. */
  readonly check: Check | null;
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
  /** Runs of the present request, or of a check, that did not find the device, or any of its services. */
  readonly quickTries: number;
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
  /** The rows of the record in the lists. Only the repository writes this field. See `lists.ts`. */
  readonly listed?: Places;
  /** A random value, new with every write, by which a writer recognises its own write. */
  readonly stamp: string;
}
