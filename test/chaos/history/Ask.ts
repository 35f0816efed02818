import type { Wish } from '../plan/Plan.js';

/** What became of a request, as far as its caller knows. */
export type Outcome =
  /** 202. */
  | { kind: 'accepted'; requestId: string; operation: string }
  /** It changes nothing: the status, and what the answer says about it. */
  | { kind: 'refused'; status: number; code: string }
  /** Nobody was there to take it: it has not happened. */
  | { kind: 'unsent'; why: string }
  /** No answer, or one that promises nothing: it may have happened, or may still happen. */
  | { kind: 'unknown'; why: string };

/** One request, as its caller saw it. Times in milliseconds from the start of the run. */
export interface Ask {
  wish: Wish;
  sentAt: number;
  answeredAt: number;
  outcome: Outcome;
}
