import type { Sight } from '../../balena/sight.js';
import type { BalenaClient, Variable, VariableName } from '../../balena/types.js';
import type { Credentials } from '../../certificates/mint.js';
import type {
  CheckNotice,
  Desired,
  KeyHistory,
  KeyToSign,
  ObservedDraft,
  OwnCertificate,
  VariableScope,
} from '../../device/record.js';
import type { HubRegistry } from '../../iothub/types.js';
import type { Step } from '../../shared/errors.js';
import type { EpochMs } from '../../shared/time.js';

/** The part of a run that the steps work with: the desired state, the findings so far, and the calls to balena and the hub. */
export interface Work {
  readonly uuid: string;
  readonly desired: Desired;
  /** Scopes that may hold our variables. */
  scopes: readonly VariableScope[];
  /** The run asks the hub instead of trusting the record. */
  readonly forceVerify: boolean;
  /** An earlier run of the same request has failed, and was no run whose worker died. */
  readonly isRetry: boolean;
  /** The conclusion of the sweep that requested the check; null if there is none. */
  readonly notice: CheckNotice | null;
  /** The run is a check of a request that an operator has cancelled or discarded: only the identity of a deleted device is removed. */
  readonly looksOnly: boolean;
  /** The state in balena and at the hub, as far as this run knows. The record takes over this state at the end of the run, after a failure too. */
  observed: ObservedDraft;
  /** Scopes that hold no variable of ours any more, or do not exist. */
  readonly clearedScopes: Set<VariableScope>;
  /** The run has found that balena has the device and the service, and that the fleet is served. */
  validated: boolean;
  readonly now: () => EpochMs;
  readonly mint: () => Promise<Credentials>;
  /**
   * Lets the CA sign a certificate for an own key, and writes the certificate into the record at once.
   *
   * @throws ProvisioningError `ca-…`, `records-unavailable`; `timed-out` if another run or another request has taken the place of this one
   */
  sign(own: KeyToSign & KeyHistory): Promise<OwnCertificate>;
  /**
   * Reserves the run's registry operation, and waits until the operation is due. The first call to the hub uses the operation.
   *
   * @throws ReservationNotDue if the time of the operation is not near, HubCircuitOpen: the run ends, and a later run continues
   */
  awaitOperation(): Promise<void>;
  readonly settings: ReconcileSettings;
  /** Whether our key sees a fleet, as this process remembers. */
  readonly sight: Sight;
  /**
   * Writes further scopes into the record at once.
   *
   * @throws ProvisioningError `records-unavailable`; `timed-out` if another run holds the lease
   */
  recordScopes(scopes: readonly VariableScope[]): Promise<void>;
  /** Makes one call to balena, within the run's limits. */
  balena<R>(step: Step, call: (balena: BalenaClient) => Promise<R>): Promise<R>;
  /**
   * Makes one call to the hub, within the limits of the run and of the rate limiter. The first call waits for the run's reservation.
   *
   * @param call gets the client, and the longest time for the call (ms). A call without an answer is made once more
   */
  hub<R>(step: Step, call: (hub: HubRegistry, timeoutMs: number) => Promise<R>): Promise<R>;
}

/** A write of a variable that balena has answered with success. */
export interface Change {
  scope: VariableScope;
  /** The scope is a service of another application than the device's fleet. */
  isForeign: boolean;
  name: VariableName;
  /** The new value; null if the variable was removed. */
  value: string | null;
  /** The row before the write; null if the write made a new row. */
  replaced: Variable | null;
}

/** The settings that the steps need. */
export interface ReconcileSettings {
  /** Slugs of the fleets that are served; null: every fleet that the key sees. */
  fleets: readonly string[] | null;
  /** The fraction of a certificate's lifetime after which the certificate is renewed. */
  renewAt: number;
  /** What becomes of the hub identity of a device that has left the served fleets; default: removed. */
  unservedIdentity?: 'remove' | 'disable';
}
