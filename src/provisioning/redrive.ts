import type { DeviceRecord } from '../device/record.js';
import { deadPart } from '../device/refusal.js';
import type { Records } from '../device/repository.js';
import { type Attention, attentions, pendingWork } from '../device/state.js';
import { refusalReopened } from '../device/transitions.js';
import {
  type DiscardedDeadLetters,
  type JoinedDeadLetter,
  partOfMessage,
  readDeadLetters,
} from '../queue/deadLetters.js';
import { publish } from '../queue/publish.js';
import type { Queue } from '../queue/queue.js';
import type { Clock, EpochMs } from '../shared/time.js';
import type { LastRun } from '../storage/timerRows.js';
import { productMetrics } from '../telemetry/metrics.js';
import { currentTraceparent } from '../telemetry/traceparent.js';
import { replayedByResending, wasResent } from './admit.js';

/** Everything that the redrive uses. */
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

/** The result of a run. */
export interface RedriveReport {
  /** Overdue messages that were sent again. */
  sent: number;
  /** Superseded and discarded dead letters that were removed. */
  cleaned: number;
}

const sendsAtATime = 50;
/**
 * The longest time in which dead letters are locked. The lock of the queue lasts two minutes, so the run can return the locked dead letters
 * in time.
 */
const longestLockingMs = 45_000;

/**
 * The safety net. A process can die between writing a job or check and sending its message: the redrive sends the messages of overdue
 * work again. The redrive also removes superseded and discarded dead letters from the dead-letter queue, and counts the devices that may
 * need an operator.
 *
 * @param signal ends the run at the next message; the next run continues
 * @throws ProvisioningError `records-unavailable`, `queue-unavailable`: the next run tries again
 */
export async function redrive(deps: RedriveDependencies, signal?: AbortSignal): Promise<RedriveReport> {
  const report = { sent: await sendOverdue(deps, signal), cleaned: await cleanDeadLetters(deps, signal) };
  productMetrics().attention(await countAttention(deps));
  signal?.throwIfAborted();
  await deps.records.repairLists(partitionAt(deps.clock.now(), deps.periodMs));
  return report;
}

const partitions = 256;

/** Each run repairs the lists of another partition. With a run every five minutes, all partitions are done within 22 hours. */
function partitionAt(now: EpochMs, periodMs: number): string {
  return (Math.floor(now / periodMs) % partitions).toString(16).padStart(2, '0');
}

/** Counts the devices that may need an operator. */
async function countAttention({ records }: RedriveDependencies): Promise<Record<Attention, number>> {
  const counts = await Promise.all(attentions.map((reason) => records.countListed(reason)));
  return Object.fromEntries(attentions.map((reason, i) => [reason, counts[i]])) as Record<Attention, number>;
}

async function sendOverdue(deps: RedriveDependencies, signal?: AbortSignal): Promise<number> {
  const { records, clock, duplicateWindowMs, lastRun, periodMs } = deps;
  const now = clock.now();
  const sinceLastMs = Math.max(periodMs, now - (await lastRun.read()));
  let sent = 0;
  let mostLateMs = 0;
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
    // One message that cannot be sent must not stop the other messages. As many failures as a whole batch mean that the queue is down.
    if (failures.length >= sendsAtATime) throw failures[0];
  };
  for await (const { value: record } of records.listed('pending', now - duplicateWindowMs)) {
    signal?.throwIfAborted();
    const work = pendingWork(record);
    if (!work) continue;
    const lateMs = now - work.due;
    mostLateMs = Math.max(mostLateMs, lateMs);
    if (!isDueForSending(lateMs, duplicateWindowMs, sinceLastMs)) continue;
    if (sending.push(send(record)) >= sendsAtATime) await sendAll();
  }
  await sendAll();
  productMetrics().oldestOverdue(mostLateMs);
  if (failures.length > 0) throw failures[0];
  await lastRun.write(now);
  return sent;
}

/**
 * Whether this run sends an overdue message. A message is sent when the message is late by the duplicate window, and again each time that
 * the delay has doubled: the delay has passed the window times a power of two since the last run. This rule needs no state for each
 * record, and a long backlog is not sent again in every run.
 *
 * @param lateMs the delay of the message, ms
 * @param windowMs the duplicate window, ms
 * @param sinceLastMs the time since the last run, ms
 */
function isDueForSending(lateMs: number, windowMs: number, sinceLastMs: number): boolean {
  if (lateMs < windowMs) return false;
  const power = windowMs * 2 ** Math.floor(Math.log2(lateMs / windowMs));
  return lateMs - power < sinceLastMs;
}

/**
 * Takes up the dead letters that an operator has resent with another tool, but that never reached a worker. The host cannot hand over
 * every form of message: the portal can turn the body from data into a value, and Service Bus dead-letters the message again after ten
 * deliveries. The dead letter is superseded afterwards.
 */
async function takeUpResent(
  deps: RedriveDependencies,
  deadLetters: JoinedDeadLetter[],
  signal?: AbortSignal,
): Promise<void> {
  for (const { deadLetter, message, record } of deadLetters) {
    signal?.throwIfAborted();
    // The summary decides whether the record is worth reading.
    const part = message && record && partOfMessage(message, record);
    const deadAt = part?.job?.deadAt ?? null;
    if (!message || deadAt === null || deadLetter.enqueuedAt <= deadAt) continue;
    const written = await deps.records.amend(message.uuid, (found) => {
      const part = found && deadPart(found, message);
      const dead = part?.job?.dead;
      if (!found || !dead || !wasResent(dead, message, deadLetter)) return null;
      const reopened = part === found ? found : refusalReopened(found);
      const context = { now: deps.clock.now(), traceparent: currentTraceparent() };
      return reopened && replayedByResending(reopened, context);
    });
    if (written) await publish(deps, written);
  }
}

async function cleanDeadLetters(deps: RedriveDependencies, signal?: AbortSignal): Promise<number> {
  const { queue, records, discarded } = deps;
  const { deadLetters } = await readDeadLetters({ queue, records });
  if (deadLetters.length === 0) return 0;
  await takeUpResent(deps, deadLetters, signal);
  const unwanted = new Set(await discarded.list());
  const toRemove = deadLetters
    .filter(({ superseded, deadLetter }) => superseded || unwanted.has(deadLetter.sequenceNumber))
    .map(({ deadLetter }) => deadLetter.sequenceNumber);
  const cleaned =
    toRemove.length > 0 ? await queue.removeDeadLetters(new Set(toRemove), longestLockingMs) : 0;
  // The row of a discarded dead letter is removed one run later than the dead letter: only then is the removal certain.
  const present = new Set(deadLetters.map(({ deadLetter }) => deadLetter.sequenceNumber));
  for (const sequenceNumber of unwanted)
    if (!present.has(sequenceNumber)) await discarded.forget(sequenceNumber);
  return cleaned;
}
