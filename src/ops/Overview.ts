import type { State } from '../record/stateOf.js';

/** What the system is at, for `watch` and the page. Times are ISO 8601. */
export interface Overview {
  at: string;
  queue: Depths & {
    /** Where the numbers come from: the queue itself, or, if we may not ask it, the records. */
    source: 'queue' | 'records';
    /** In words, why they are not the queue's own; null if they are. */
    note: string | null;
  };
  /** Devices by the state of their request. */
  states: Record<State, number>;
  devices: number;
  /** Failed requests (dead, not discarded) and what is being retried, by cause. */
  failures: { code: string; step: string | null; failed: number; retrying: number }[];
  pace: {
    /** The hub's limit, registry operations per minute. */
    limitPerMinute: number;
    /** In the last full minute that was sampled; null before there is one. */
    lastMinute: number | null;
    /** When everything that is reserved by now will have been asked for. */
    backlogDoneAt: string | null;
  };
  /** From the request to provisioned, of those provisioned within the last hour, s. */
  timing: { p50Seconds: number | null; p95Seconds: number | null; count: number };
  /** One sample a minute, the oldest first, of the last hour. */
  history: Sample[];
  certificates: { expired: number; within7Days: number; within30Days: number; later: number };
  /** As the workers last saw them. */
  dependencies: Record<'balena' | 'hub', { ok: boolean; detail: string }>;
}

export interface Depths {
  active: number;
  scheduled: number;
  deadLettered: number;
}

export interface Sample extends Depths {
  at: string;
  /** Registry operations in the minute before. */
  operations: number;
  provisioned: number;
  failed: number;
}
