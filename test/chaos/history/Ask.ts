import type { Wish } from '../plan/Plan.js';

/** The outcome of a request as known to the caller. */
export type Outcome =
  /** 202. */
  | { kind: 'accepted'; requestId: string; operation: string }
  /** An answer without a change: the status, and the content of the answer. */
  | { kind: 'refused'; status: number; code: string }
  /** The connection was refused, so the request has no effect. */
  | { kind: 'unsent'; why: string }
  /** No answer, or an answer without a promise: the request may have taken effect, or may take effect later. */
  | { kind: 'unknown'; why: string };

/** One request from the view of the caller. Times are milliseconds since the start of the run. */
export interface Ask {
  wish: Wish;
  sentAt: number;
  answeredAt: number;
  outcome: Outcome;
}
