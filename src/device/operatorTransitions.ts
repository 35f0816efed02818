import type { EpochMs } from '../shared/time.js';
import type { DeviceRecord, Job } from './record.js';
import { deadPart, refusedPart, requestPartOf } from './refusal.js';
import { putBack, reopened } from './refusalParts.js';
import { isDeadByOperator, isInDesiredState, isPending } from './state.js';
import {
  appendHistory,
  type Context,
  checkAfterLateWrites,
  desiredByMessage,
  type LostWork,
  newRecord,
  noFailure,
  renewCheck,
  startJob,
} from './transitionParts.js';

/* The transitions of operators, see `transitions.ts`. */

/**
 * An operator replays a dead job.
 *
 * @param by the operator, for the history
 * @param action the bulk action; null if the operator resent the dead letter with another tool
 */
export function replayed(
  record: DeviceRecord,
  context: Context,
  { due, by, action }: { due: EpochMs; by: string; action: string | null },
): DeviceRecord {
  const { forceVerify, traceparent = context.traceparent } = record.job ?? {};
  const next: DeviceRecord = {
    ...startJob(record, traceparent, { due, forceVerify }),
    ...noFailure,
    replays: record.replays + 1,
    ...(action !== null && { completedAt: null, action: { id: action, error: record.error } }),
  };
  return appendHistory(next, { at: context.now, type: 'replayed', note: `requested again by ${by}` });
}

/**
 * An operator replays a refused request: the request takes the place of the present one, which comes back if the request is refused again.
 * `replayed` follows.
 *
 * @returns null if no request is refused, or an operator has discarded it
 */
export function refusalReopened(record: DeviceRecord): DeviceRecord | null {
  const refused = refusedPart(record);
  return refused && !refused.job?.dead?.discarded ? reopened(record, refused) : null;
}

/**
 * The record was lost, and an operator replays a dead letter. The record has no job yet: `replayed` makes one, above the dead
 * letter's generation, so that the dead letter is superseded.
 */
export function restoredFromDeadLetter(lost: LostWork, { now }: Context): DeviceRecord {
  const record = newRecord(lost.uuid, desiredByMessage(lost, now), now);
  const lastGeneration = Math.max(record.lastGeneration, lost.generation);
  return { ...record, lastGeneration, firstGeneration: lastGeneration + 1 };
}

/**
 * An operator cancels the replay that made the pending change. The job becomes dead, with the error from before the replay. A replayed
 * request that is not validated yet is refused again. A check that was requested meanwhile, or before the replay, is the next work.
 *
 * @param by the operator, for the history
 * @returns null if no change is pending, or if the replay is done: a comparison is then pending
 */
export function cancelled(record: DeviceRecord, { now }: Context, by: string): DeviceRecord | null {
  const { job, completedAt } = record;
  if (!isPending(job) || completedAt !== null) return null;
  const error = record.action?.error ?? {
    code: 'cancelled' as const,
    step: null,
    message: 'The replay was cancelled before the job was done.',
    at: now,
  };
  const dead = { ...record, job: { ...job, dead: { at: now, cancelled: true } }, error };
  const isRefusedAgain = record.fallback !== null && !record.desired.validated;
  const next = isRefusedAgain ? putBack(dead, { now }) : renewCheck(dead, now);
  return appendHistory(next, { at: now, type: 'cancelled', note: `the replay was cancelled by ${by}` });
}

/**
 * An operator cancels a rotation. The job is dropped only if no worker has begun the rotation, and the device is in the desired state
 * from before the rotation. A check that was pending before the rotation is the next work. A rotation that has begun continues: the hub may
 * have stopped accepting the certificate that the device holds.
 *
 * @returns null if the rotation continues
 */
export function rotationCancelled(record: DeviceRecord, context: Context, by: string): DeviceRecord | null {
  if (!isPending(record.job) || record.lease || record.attempts > 0 || record.retries > 0) return null;
  const { retire: _, revoke: __, revokedKeys: ___, ...desired } = record.desired;
  const before = { ...record, desired: { ...desired, ...record.action?.previous }, job: null };
  if (!isInDesiredState(before)) return null;
  const next = checkAfterLateWrites(renewCheck(before, context.now), context);
  return appendHistory(next, {
    at: context.now,
    type: 'cancelled',
    note: `the rotation was cancelled by ${by}`,
  });
}

/**
 * An operator discards the dead job of the present or of the refused request. The job's dead letter is superseded. The device may request
 * again after the cool-down.
 *
 * @param message the message of the dead job
 */
export function discarded(
  record: DeviceRecord,
  { now }: Context,
  { by, reason }: { by: string; reason: string },
  message: { requestId: string | null; generation: number | null },
): DeviceRecord | null {
  const part = deadPart(record, message);
  const { job } = part ?? {};
  if (!part || !job?.dead || job.dead.discarded) return null;
  const next = withDead(record, part, { ...job.dead, discarded: { at: now, by, reason } });
  return appendHistory(next, { at: now, type: 'discarded', note: `by ${by}: ${reason}` });
}

/** More messages of one job are never under way at the same time, except after long outages of the queue. */
const mostDeadLetters = 8;

/**
 * The message of a dead job goes to the dead-letter queue. The job remembers the message, because only an operator makes this message active
 * again.
 *
 * @returns null if the record stays as it is: the job remembers the message, or no operator can resend the message
 */
export function deadLettered(
  record: DeviceRecord,
  message: {
    requestId: string | null;
    generation: number | null;
    due: EpochMs;
    from?: string | undefined;
    enqueuedAt: EpochMs;
  },
): DeviceRecord | null {
  const part = deadPart(record, message);
  const dead = part?.job?.dead;
  if (!part || !dead || dead.unknown || isDeadByOperator(part.job)) return null;
  const { deadLetters = [] } = dead;
  const { due, from, enqueuedAt: activeAt } = message;
  if (deadLetters.some((each) => each.due === due && each.from === from)) return null;
  return withDead(record, part, {
    ...dead,
    deadLetters: [...deadLetters, { due, ...(from !== undefined && { from }), activeAt }].slice(
      -mostDeadLetters,
    ),
  });
}

/** The record with another end of a dead job. @param part the record itself, or its refused request */
function withDead(record: DeviceRecord, part: DeviceRecord, dead: NonNullable<Job['dead']>): DeviceRecord {
  const job = part.job && { ...part.job, dead };
  return part === record ? { ...record, job } : { ...record, refusal: { ...requestPartOf(part), job } };
}
