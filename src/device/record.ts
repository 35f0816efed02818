import type { ErrorCode, Step } from '../shared/errors.js';

/** A place for a device's variables: a service's name, or '' for the device level. */
export type VariableScope = string;

/** What the device should be. Written by accept only. */
export interface Desired {
  present: boolean;
  /** Where the variables belong; null when absent. */
  service: VariableScope | null;
  /** Rotation: this thumbprint must not stay in use. */
  retire?: string;
  /** Rotation after a leak: the hub must stop to accept the retired thumbprint, too. */
  revoke?: boolean;
  requestId: string;
  /** Unix ms. */
  requestedAt: number;
  /** Unix ms of the last change of service. */
  movedAt?: number;
}

/** Work that is owed. Only the message that it names (requestId and n) works. */
export interface Job {
  generation: number;
  kind: 'change' | 'check';
  /** The worker asks the hub instead of believing the record. */
  forceVerify?: boolean;
  /** Unix ms. */
  due: number;
  /** The reserved registry slot, in the pace's virtual time (ms). */
  reservation?: number;
  /** Of whoever asked for it (W3C), for the traces; see `currentTraceparent`. */
  traceparent?: string;
  /** The send of its message is known to have failed. */
  unsent?: boolean;
  /** Given up, at this Unix ms. */
  dead?: {
    at: number;
    /** By ops, while a replay of it was under way. */
    cancelled?: boolean;
    /** Ops have seen it, and want nothing more of it: its dead letter is superseded. */
    discarded?: { at: number; by: string; reason: string };
  };
}

/** A worker's exclusive hold. */
export interface Lease {
  by: string;
  /** Unix ms. */
  until: number;
  /** Left to run out on purpose: a write of unknown outcome may still take effect. */
  left?: boolean;
}

/** What the hub is known to hold: nothing is known, no identity, an identity, or one that accepts these two thumbprints. */
export type HubState = 'unknown' | 'none' | 'exists' | [primary: string, secondary: string];

/** What the last worker found stored, or stored and registered. Written by the worker only. */
export interface Observed {
  thumbprint: string | null;
  previous: string | null;
  service: VariableScope | null;
  hub: HubState;
  /** The fleet's slug. */
  fleet: string | null;
  /** Unix ms. */
  notBefore: number | null;
  /** Unix ms. */
  notAfter: number | null;
  keyAlgorithm: string | null;
  /** Unix ms. */
  verifiedAt: number;
}

/** What one step of a run came to. */
export interface StepResult {
  step: Step;
  /** The waiting for a registry slot included. */
  ms: number;
  /** How it failed; null if it did not. */
  code: ErrorCode | null;
}

/** Something that happened to a device, for people. */
export interface HistoryEvent {
  /** Unix ms. */
  at: number;
  type: 'requested' | 'waited' | 'ran' | 'died' | 'replayed' | 'cancelled' | 'discarded';
  /** One sentence. */
  note: string;
  /** Of a run. */
  steps?: StepResult[];
}

export interface RecordedError {
  code: ErrorCode;
  step: Step | null;
  message: string;
  /** Unix ms. */
  at: number;
}

/** The one row of a device: everything that is true about it. Never a private key. */
export interface DeviceRecord {
  uuid: string;
  desired: Desired;
  job: Job | null;
  lease: Lease | null;
  observed: Observed;
  /** Where our variables may be; added to with the lease, taken from after cleaning. */
  scopes: VariableScope[];
  /** Runs in which this device's own work failed. */
  attempts: number;
  /** Runs that ended with a retry, counted as attempts or not: what the back-off grows with. */
  retries: number;
  /** Requests that failed for good, one after the other. */
  failures: number;
  replays: number;
  error: RecordedError | null;
  /**
   * The bulk action of ops that last asked for this, and what it found, for the case that it is cancelled: the error, and of a
   * rotation what was to be retired before. Null if the last to ask was someone else.
   */
  action: { id: string; error: RecordedError | null; before?: Pick<Desired, 'retire' | 'revoke'> } | null;
  /** Unix ms at which what is desired was reached; null until then. */
  completedAt: number | null;
  /** What happened last, the newest at the end; for people, nothing decides by it. */
  history: HistoryEvent[];
  /** Unix ms until which a failed request is not taken up again. */
  coolDownUntil: number;
  /** Unix ms. */
  firstSeenAt: number;
  /** The ticket that accept wrote for this request. */
  firstGeneration: number;
  /** Never falls. */
  lastGeneration: number;
  /** Unix ms. */
  updatedAt: number;
  /** Random, new with every write: tells one's own write from another's. */
  stamp: string;
}
