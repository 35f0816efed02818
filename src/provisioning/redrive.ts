import type { Records } from '../device/repository.js';
import { isPending } from '../device/state.js';
import { type DiscardedDeadLetters, readDeadLetters } from '../queue/deadLetters.js';
import { publish } from '../queue/publish.js';
import type { Queue } from '../queue/queue.js';
import type { Clock } from '../shared/time.js';
import type { LastRun } from '../storage/timerRows.js';
import { productMetrics } from '../telemetry/metrics.js';

export interface RedriveDependencies {
  records: Records;
  queue: Queue;
  discarded: DiscardedDeadLetters;
  clock: Clock;
  /** The queue's duplicate window: sent again sooner, a message is dropped. */
  duplicateWindowMs: number;
  /** How often this runs. */
  periodMs: number;
  lastRun: LastRun;
}

/** What a run of the timer did. */
export interface RedriveReport {
  sent: number;
  cleaned: number;
}

const sendsAtATime = 50;
/** Well within the lock of two minutes: what is locked meanwhile is put back in time. */
const longestLockingMs = 45_000;

/**
 * The safety net: sends the messages of work that is overdue, and removes superseded and discarded letters from the
 * dead-letter queue. Needed where a process died between writing a ticket and sending its message.
 *
 * @throws ProvisioningError `records-unavailable`, `queue-unavailable`: the next run tries again
 */
export async function redrive(deps: RedriveDependencies): Promise<RedriveReport> {
  return { sent: await sendOverdue(deps), cleaned: await cleanDeadLetters(deps) };
}

async function sendOverdue(deps: RedriveDependencies): Promise<number> {
  const { records, clock, duplicateWindowMs, lastRun, periodMs } = deps;
  const now = clock.now();
  const sinceLastMs = Math.max(periodMs, now - (await lastRun.read()));
  let sent = 0;
  let latest = 0;
  const failures: unknown[] = [];
  let batch: Promise<void>[] = [];
  const ended = async () => {
    await Promise.all(batch);
    batch = [];
    // Not at the first: one that cannot be sent must not keep the others. All of a batch: there is nobody to send to.
    if (failures.length >= sendsAtATime) throw failures[0];
  };
  for await (const record of records.overdue(now - duplicateWindowMs)) {
    if (!isPending(record.job)) continue;
    latest = Math.max(latest, now - record.job.due);
    if (!isTurn(now - record.job.due, duplicateWindowMs, sinceLastMs)) continue;
    batch.push(
      publish(deps, record).then(
        () => {
          sent += 1;
        },
        (error) => {
          failures.push(error);
        },
      ),
    );
    if (batch.length >= sendsAtATime) await ended();
  }
  await ended();
  productMetrics().overdue(latest);
  if (failures.length > 0) throw failures[0];
  await lastRun.write(now);
  return sent;
}

/**
 * Sent when overdue by the duplicate window, and again when that has doubled, and so on: if a power of two of it fell into
 * the time since the last run. That needs nothing for each record, and a long backlog is not sent over and over.
 */
function isTurn(lateMs: number, windowMs: number, sinceLastMs: number): boolean {
  if (lateMs < windowMs) return false;
  const power = windowMs * 2 ** Math.floor(Math.log2(lateMs / windowMs));
  return lateMs - power < sinceLastMs;
}

async function cleanDeadLetters({ queue, records, discarded }: RedriveDependencies): Promise<number> {
  const { deadLetters } = await readDeadLetters({ queue, records });
  if (deadLetters.length === 0) return 0;
  const unwanted = new Set(await discarded.list());
  const doomed = deadLetters
    .filter(({ superseded, deadLetter }) => superseded || unwanted.has(deadLetter.sequenceNumber))
    .map(({ deadLetter }) => deadLetter.sequenceNumber);
  const cleaned = doomed.length > 0 ? await queue.removeDeadLetters(new Set(doomed), longestLockingMs) : 0;
  const present = new Set(deadLetters.map(({ deadLetter }) => deadLetter.sequenceNumber));
  // Only those that were not there any more: what could not be removed now is removed next time.
  for (const sequenceNumber of unwanted)
    if (!present.has(sequenceNumber)) await discarded.forget(sequenceNumber);
  return cleaned;
}
