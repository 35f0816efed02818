import type { DeviceRecord } from '../device/record.js';
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
  /** The queue's duplicate window. The queue drops a message that is sent again within this time. */
  duplicateWindowMs: number;
  /** The time between two runs. */
  periodMs: number;
  lastRun: LastRun;
}

export interface RedriveReport {
  /** Overdue messages that were sent again. */
  sent: number;
  /** Superseded and discarded dead letters that were removed. */
  cleaned: number;
}

const sendsAtATime = 50;
/** Well below the queue's lock of two minutes: the run returns dead letters, which the run had to lock, in time. */
const longestLockingMs = 45_000;

/**
 * The safety net. A process can die between writing a job and sending the job's message: the redrive sends the messages of overdue
 * jobs again. The redrive also removes superseded and discarded dead letters from the dead-letter queue.
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
  let latestMs = 0;
  const failures: unknown[] = [];
  let sending: Promise<void>[] = [];
  const send = async (record: DeviceRecord) => {
    try {
      await publish(deps, record);
      sent += 1;
    } catch (error) {
      failures.push(error);
    }
  };
  const sendAll = async () => {
    await Promise.all(sending);
    sending = [];
    // One message that cannot be sent must not stop the others. After a whole batch of failures the queue itself is away.
    if (failures.length >= sendsAtATime) throw failures[0];
  };
  for await (const record of records.overdue(now - duplicateWindowMs)) {
    if (!isPending(record.job)) continue;
    const lateMs = now - record.job.due;
    latestMs = Math.max(latestMs, lateMs);
    if (!isTurn(lateMs, duplicateWindowMs, sinceLastMs)) continue;
    if (sending.push(send(record)) >= sendsAtATime) await sendAll();
  }
  await sendAll();
  productMetrics().overdue(latestMs);
  if (failures.length > 0) throw failures[0];
  await lastRun.write(now);
  return sent;
}

/**
 * An overdue message is sent when it is late by the duplicate window, and again each time that this delay has doubled: the run sends a
 * message if a power of two of the window fell into the time since the last run. This needs no state for each record, and a long
 * backlog is not sent over and over.
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
  const toRemove = deadLetters
    .filter(({ superseded, deadLetter }) => superseded || unwanted.has(deadLetter.sequenceNumber))
    .map(({ deadLetter }) => deadLetter.sequenceNumber);
  const cleaned =
    toRemove.length > 0 ? await queue.removeDeadLetters(new Set(toRemove), longestLockingMs) : 0;
  // A discarded dead letter is forgotten only when an earlier run has removed the dead letter.
  const present = new Set(deadLetters.map(({ deadLetter }) => deadLetter.sequenceNumber));
  for (const sequenceNumber of unwanted)
    if (!present.has(sequenceNumber)) await discarded.forget(sequenceNumber);
  return cleaned;
}
