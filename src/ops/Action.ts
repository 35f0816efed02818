/**
 * A bulk action of ops: its plan fixes the set of devices, and running it asks for each of them once. What was done remains as
 * the audit. Times are ISO 8601.
 */
export interface Action {
  id: string;
  kind: ActionKind;
  state: ActionState;
  /** Who planned it. */
  by: string;
  /** As it was given. */
  filter: Record<string, string>;
  /** Of a discard. */
  reason: string | null;
  plannedAt: string;
  startedAt: string | null;
  endedAt: string | null;
  /** Devices asked for in a minute; null before it is started. */
  ratePerMinute: number | null;
  /** In growing waves, and no further when too many fail again. */
  ramp: boolean;
  counts: ActionCounts;
  /** Of the planned set. */
  byCode: Record<string, number>;
  byFleet: Record<string, number>;
  /** How long all of it takes at the hub's pace, or at the chosen rate once it is started, s. */
  expectedSeconds: number;
  /** In words: why it stopped, what was left out. Null if there is nothing to say. */
  note: string | null;
}

export const actionKinds = ['replay', 'discard', 'rotate'] as const;
export type ActionKind = (typeof actionKinds)[number];

/**
 * `planned`, then `running` until each of its devices has come to an end, then `done`. `cancelling` becomes `cancelled` within
 * moments. `halted`: a ramp that saw too many fail again.
 */
export type ActionState = 'planned' | 'running' | 'cancelling' | 'cancelled' | 'halted' | 'done';

export interface ActionCounts {
  planned: number;
  /** Left out of the plan, because they have failed again too often. */
  quarantined: number;
  /** Asked for so far. */
  asked: number;
  /** Not asked for, because their records had moved on since the plan. */
  superseded: number;
  /** Of those asked for: provisioned or deprovisioned by now (a discard: discarded). */
  succeeded: number;
  /** Of those asked for: failed for good again. */
  failed: number;
  /** Of those asked for: cancelled before they were done. */
  cancelled: number;
  /** Of those asked for: still under way. */
  underWay: number;
}
