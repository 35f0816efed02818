import type { ActionCounts, ActionKind, ActionState } from './schema.js';

/** A bulk action as it is kept. Times are Unix ms. */
export interface StoredAction {
  id: string;
  kind: ActionKind;
  state: ActionState;
  by: string;
  filter: Record<string, string>;
  reason: string | null;
  /** Of a rotation: the hub must stop to accept the old certificates, too. */
  revoke: boolean;
  plannedAt: number;
  startedAt: number | null;
  startedBy: string | null;
  cancelledBy: string | null;
  endedAt: number | null;
  ratePerMinute: number | null;
  ramp: boolean;
  limit: number | null;
  /** How many there are in the set. */
  planned: number;
  quarantined: number;
  byCode: Record<string, number>;
  byFleet: Record<string, number>;
  note: string | null;
  /** Of the set, those that were asked for, or found superseded, so far. */
  next: number;
  superseded: number;
  wave: Wave;
  /** As they stood at its end; null until then. */
  counts: ActionCounts | null;
  /** The message that has a worker go on with it. Only the one that it names does; see `ActionMessage`. */
  wakeUp: { generation: number; due: number };
  /** Its set is still being written: nobody sees it yet. Left so by a process that died, it is removed. */
  unfinished?: boolean;
  /** It ended long ago, and its set was removed. */
  setRemoved?: boolean;
  /** Random, new with every write: tells one's own write from another's. */
  stamp?: string;
}

/** What may be asked for without looking how the last went. Without a ramp, all of it. */
export interface Wave {
  /** Places in the set: from here, and up to before here. */
  from: number;
  to: number;
  /** When the first of it is due, Unix ms; the others follow at the rate. */
  startsAt: number;
  /** What had failed again before it. */
  failedBefore: number;
}

/** One of a set. */
export interface Item {
  /** Null for a letter that cannot be read. */
  uuid: string | null;
  requestId: string | null;
  generation: number | null;
  sequenceNumber: string | null;
  /** Of a rotation: the certificate that is to be replaced. */
  thumbprint?: string;
  /** What its letter asks for, where there is no record. */
  requested?: { operation: 'provision' | 'deprovision'; service: string | null };
}

/** Has it come to its end? */
export function hasFinished({ state }: Pick<StoredAction, 'state'>): boolean {
  return state === 'done' || state === 'cancelled' || state === 'halted';
}

/** Of the set, how many are to be asked for. */
export function sizeOf({ planned, limit }: Pick<StoredAction, 'planned' | 'limit'>): number {
  return Math.min(planned, limit ?? planned);
}
