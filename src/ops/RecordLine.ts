import type { State } from '../record/stateOf.js';

/** One record in a list. Times are ISO 8601. */
export interface RecordLine {
  uuid: string;
  state: State;
  operation: 'provision' | 'rotate' | 'deprovision';
  service: string | null;
  fleet: string | null;
  code: string | null;
  step: string | null;
  message: string | null;
  attempts: number;
  replays: number;
  requestedAt: string;
  completedAt: string | null;
  /** When the work that is owed is due; null if none is. */
  dueAt: string | null;
  certificateExpiresAt: string | null;
}

export interface RecordPage {
  records: RecordLine[];
  /** How many fit the filter, on all pages. */
  total: number;
  byState: Partial<Record<State, number>>;
  /** For the next page; null on the last one. */
  next: string | null;
  asOf: string;
}
