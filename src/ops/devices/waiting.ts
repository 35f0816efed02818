import * as z from 'zod';
import type { DeviceRecord } from '../../device/record.js';
import { isCheckNext, isPending, pendingWork } from '../../device/state.js';
import { time } from '../../shared/schemas.js';
import { type EpochMs, isoOrNull } from '../../shared/time.js';

/** Why the work on a device is not done yet. */
export const waiting = z
  .object({
    reason: z.string().describe('one sentence'),
    nextLook: time
      .nullable()
      .describe('when a worker looks at the device next; null while a worker is at work'),
    isCheck: z.boolean().describe('the pending work is a check, beside the state of the device'),
  })
  .meta({ id: 'Waiting' });

export type Waiting = z.infer<typeof waiting>;

/** The messages of overdue work are sent again after about this time. */
const overdueMs = 60_000;

/**
 * Why the next work of a device is not done yet, and when a worker looks at the device next.
 *
 * @param expectedAt the time at which the work is expected to be done, see `expectedAt`
 * @returns null without pending work
 */
export function waitingOf(record: DeviceRecord, expectedAt: EpochMs, now: EpochMs): Waiting | null {
  const work = pendingWork(record);
  if (!work) return null;
  const isCheck = isCheckNext(record);
  const { reason, next } = reasonOf(record, { due: work.due, expectedAt, now });
  return { reason, nextLook: isoOrNull(next), isCheck };
}

interface Moments {
  due: EpochMs;
  expectedAt: EpochMs;
  now: EpochMs;
}

function reasonOf(
  record: DeviceRecord,
  { due, expectedAt, now }: Moments,
): { reason: string; next: EpochMs | null } {
  const { lease, late, error, action, job } = record;
  const work = pendingWork(record);
  if (lease && now < lease.until) {
    if (lease.unresolved)
      return { reason: lastAnswerUnknown, next: Math.max(due, lease.until, lease.lateUntil) };
    if (lease.interrupted)
      return {
        reason:
          'The worker stopped in the middle of its work. The next run begins after the end of its lease.',
        next: Math.max(due, lease.until),
      };
    return { reason: 'A worker is at work on the device.', next: null };
  }
  if (late && now < late.until) return { reason: lastAnswerUnknown, next: Math.max(due, late.until) };
  if (work?.unsent)
    return {
      reason:
        'The message for the worker could not be sent. The next request, or the redrive, sends the message again.',
      next: null,
    };
  if (now - due > overdueMs)
    return {
      reason:
        'The work is overdue: no worker has taken its message. The redrive sends the message again after ten minutes.',
      next: due,
    };
  if (isWaitingForDependency(record))
    return { reason: 'The work waits until balena and the hub work again.', next: due };
  if (work?.reservation !== undefined)
    return { reason: 'The device waits for its turn at the hub.', next: Math.max(due, expectedAt) };
  if (error && isPending(job))
    return { reason: `The last attempt failed (${error.code}). The work is tried again.`, next: due };
  if (work?.lookUp !== undefined) return { reason: 'The device waits for its look-up in balena.', next: due };
  if (action && due > now) return { reason: 'The device waits for its turn in the bulk action.', next: due };
  if (due > now) return { reason: 'The work was requested for a later time.', next: due };
  return { reason: 'A worker will take the message within moments.', next: due };
}

const lastAnswerUnknown =
  'The last answer of the hub or of balena is missing, so the last write may still take effect. The next run looks after that time.';

/** The history says why the work was put off last. */
function isWaitingForDependency({ history }: DeviceRecord): boolean {
  const last = history.at(-1);
  return last?.type === 'waited' && last.note.includes('work again');
}
