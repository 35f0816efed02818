import type { BalenaClient } from '../balena/types.js';
import type { Credentials } from '../certificates/mint.js';
import type { Desired, Observed, VariableScope } from '../device/record.js';
import type { HubRegistry } from '../iothub/types.js';
import type { Step } from '../shared/errors.js';

/** One run of a worker on one device, under its lease: what it knows when it starts, and what it finds out. */
export interface Work {
  readonly uuid: string;
  readonly desired: Desired;
  /** Where our variables may be. */
  scopes: readonly VariableScope[];
  /** Ask the hub instead of believing the record. */
  readonly forceVerify: boolean;
  /** What is stored and registered, as far as this run knows; written into the record at its end, however it ends. */
  observed: Observed;
  /** Places that this run has cleaned, or found not to exist. */
  readonly cleaned: Set<VariableScope>;
  /** Unix ms. */
  readonly now: () => number;
  readonly mint: () => Promise<Credentials>;
  readonly settings: ReconcileSettings;
  /** Has the record know, at once, that our variables may be at these places, too. */
  remember(scopes: readonly VariableScope[]): Promise<void>;
  /** One call to balena within the run's limits. */
  balena<R>(step: Step, call: (balena: BalenaClient) => Promise<R>): Promise<R>;
  /** One call to the hub within the run's limits and its pace; waits for the run's slot first. */
  hub<R>(step: Step, call: (hub: HubRegistry, deadlineMs: number) => Promise<R>): Promise<R>;
}

export interface ReconcileSettings {
  /** Slugs of the fleets that are served; null: all that the key sees. */
  fleets: readonly string[] | null;
  /** The part of a certificate's life after which it is renewed. */
  renewAt: number;
}
