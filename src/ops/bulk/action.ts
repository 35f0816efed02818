import type { Desired, Retirement } from '../../device/record.js';
import type { EpochMs } from '../../shared/time.js';
import {
  type ActionCounts,
  type ActionFailure,
  type ActionKind,
  type ActionState,
  type BulkKind,
  bulkKinds,
} from './schema.js';

/** A bulk action or a single request as a row of the table "ops". The items of a set are in rows of their own. */
export interface StoredAction {
  id: string;
  kind: ActionKind;
  state: ActionState;
  /** The operator who planned the action. */
  by: string;
  filter: Record<string, string>;
  reason: string | null;
  /** A rotation only: the hub must also stop accepting the old certificates. */
  revoke: boolean;
  /** A replay: the service of the new requests; null repeats each request as it was. A provisioning or a fleet: the service. */
  service: string | null;
  /** The number of planned devices without that service; null without a service. */
  lacking: number | null;
  plannedAt: EpochMs;
  startedAt: EpochMs | null;
  startedBy: string | null;
  cancelledBy: string | null;
  endedAt: EpochMs | null;
  ratePerMinute: number | null;
  ramp: boolean;
  limit: number | null;
  /** Number of items in the set. */
  planned: number;
  /** Number of quarantined dead letters that the plan left out. */
  quarantined: number;
  byCode: Record<string, number>;
  byFleet: Record<string, number>;
  /** A single request only: the answer to the request. */
  answer?: string;
  /** A sentence for operators: why the action stopped, or what the plan left out. */
  note: string | null;
  /** Index of the next item to request. */
  nextIndex: number;
  /** Number of items that were skipped, because the record had another job. */
  superseded: number;
  wave: Wave;
  /** The final counts of a finished action; null before. */
  counts: ActionCounts | null;
  /** The first failures of a finished action; none before. */
  failures: ActionFailure[];
  /** The current wake-up message. A worker ignores wake-up messages of other generations; see `WakeUpMessage`. */
  wakeUp: { generation: number; due: EpochMs };
  /** The set is still being written. Readers hide the action. If the writing process died, the clean-up removes the action. */
  unfinished?: boolean;
  /** The action finished long ago, and the clean-up removed the set. */
  setRemoved?: boolean;
  /** A new random value with every write, by which a writer recognises its own write. */
  stamp?: string;
}

/** The part of the set to request before the next evaluation. An action without a ramp is one wave. */
export interface Wave {
  /** Index in the set of the first item. */
  from: number;
  /** Index in the set after the last item. */
  to: number;
  /** The time at which the first item is due. The other items follow at the action's rate. */
  startsAt: EpochMs;
  /** Number of items that had failed again before this wave. */
  failedBefore: number;
}

/** An item of a set: a dead letter of a replay or a discard, or a certificate of a rotation. */
export interface Item {
  /** Null for an unreadable dead letter. */
  uuid: string | null;
  requestId: string | null;
  generation: number | null;
  sequenceNumber: string | null;
  /** A rotation only: the certificate to replace. */
  thumbprint?: string;
  /** A dead letter without a record only: the request in the message. */
  lostRequest?: { operation: 'provision' | 'deprovision'; service: string | null } & Retirement &
    Pick<Desired, 'own' | 'proved'>;
}

/** A bulk action, which workers carry on. */
export type StoredBulkAction = StoredAction & { kind: BulkKind };

/** Whether workers carry the action on. A single request is done at once. */
export function isBulk(action: StoredAction): action is StoredBulkAction {
  return (bulkKinds as readonly ActionKind[]).includes(action.kind);
}

/** The name in the audit of an operator who has sent no name. */
export const unnamedOperator = 'an operator with the ops key';

/** The fields of an action that nobody has planned with a set, for an action of any kind. */
export const emptyAction = {
  reason: null,
  revoke: false,
  service: null,
  lacking: null,
  startedAt: null,
  startedBy: null,
  cancelledBy: null,
  endedAt: null,
  ratePerMinute: null,
  ramp: false,
  limit: null,
  planned: 0,
  quarantined: 0,
  byCode: {},
  byFleet: {},
  note: null,
  nextIndex: 0,
  superseded: 0,
  wave: { from: 0, to: 0, startsAt: 0, failedBefore: 0 },
  counts: null,
  failures: [],
  wakeUp: { generation: 0, due: 0 },
} satisfies Partial<StoredAction>;

/** Whether the action is done, cancelled or halted. */
export function hasFinished({ state }: Pick<StoredAction, 'state'>): boolean {
  return state === 'done' || state === 'cancelled' || state === 'halted';
}

/** The number of items to request: the set, or the limit chosen at the start. */
export function sizeOf({ planned, limit }: Pick<StoredAction, 'planned' | 'limit'>): number {
  return Math.min(planned, limit ?? planned);
}
