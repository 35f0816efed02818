import type { Records } from '../../device/repository.js';
import type { Summary } from '../../device/summary.js';
import { type JoinedDeadLetter, readDeadLetters } from '../../queue/deadLetters.js';
import type { Queue } from '../../queue/queue.js';
import { type Clock, iso } from '../../shared/time.js';
import type { DeadLetter, DeadLetterStatus } from './schema.js';

/** A letter of the list, and what a replay of it needs. */
export interface DeadLetterEntry extends DeadLetter {
  /** Of the record's given-up ticket, or of the message; null where it cannot be read. */
  generation: number | null;
}

export interface Snapshot {
  deadLetters: DeadLetterEntry[];
  incomplete: string | null;
  /** Unix ms. */
  asOf: number;
}

/** The list of everything that failed for good: what the records know, and what lies in the dead-letter queue. */
export interface DeadLetterSnapshots {
  /**
   * The list as it was read within this many ms, or ten times as long ago as the reading took; 0 reads it now. Callers at the
   * same time share one reading.
   *
   * @throws ProvisioningError `records-unavailable`, `queue-unavailable`
   */
  read(freshMs: number): Promise<Snapshot>;
}

/** Failed again after so many replays, a request is replayed only by name. */
export const mostReplays = 3;

export function openDeadLetterSnapshots(deps: {
  queue: Queue;
  records: Records;
  clock: Clock;
}): DeadLetterSnapshots {
  let last: (Snapshot & { tookMs: number }) | undefined;
  let reading: Promise<Snapshot> | undefined;

  async function readNow(): Promise<Snapshot> {
    const asOf = deps.clock.now();
    const { dead, deadLetters, whole } = await readDeadLetters(deps);
    const entered = new Map<string, DeadLetterEntry>();
    for (const summary of dead.values()) entered.set(idOf(summary), ofRecord(summary));
    const others: DeadLetterEntry[] = [];
    for (const each of deadLetters) {
      // That of a discarded request is superseded, and still its letter.
      const { message, record } = each;
      const isOwn =
        record?.requestId === message?.requestId && record?.job?.generation === message?.generation;
      const own = record && isOwn && entered.get(idOf(record));
      if (own) own.sequenceNumber ??= each.deadLetter.sequenceNumber;
      else others.push(ofDeadLetter(each));
    }
    const incomplete = whole
      ? null
      : `There are more than ${deadLetters.length} letters in the dead-letter queue: those behind are listed by their records alone.`;
    last = {
      deadLetters: [...entered.values(), ...others],
      incomplete,
      asOf,
      tookMs: deps.clock.now() - asOf,
    };
    return last;
  }

  return {
    async read(freshMs) {
      if (last && freshMs > 0 && deps.clock.now() - last.asOf < Math.max(freshMs, 10 * last.tookMs))
        return last;
      reading ??= readNow().finally(() => {
        reading = undefined;
      });
      return reading;
    },
  };
}

function idOf({ uuid, requestId, job }: Summary): string {
  return `${uuid}.${requestId}.${job?.generation}`;
}

function ofRecord(summary: Summary): DeadLetterEntry {
  const { job } = summary;
  return {
    status: statusOf(summary),
    uuid: summary.uuid,
    requestId: summary.requestId,
    generation: job?.generation ?? null,
    sequenceNumber: null,
    operation: summary.operation,
    service: summary.service,
    fleet: summary.fleet,
    code: summary.code ?? 'unexpected',
    step: summary.step,
    message: summary.message,
    attempts: summary.attempts,
    replays: summary.replays,
    superseded: false,
    firstSeenAt: iso(summary.firstSeenAt),
    failedAt: iso(job?.deadAt ?? 0),
  };
}

function statusOf({ job, replays }: Summary): DeadLetterStatus {
  if (job?.discarded) return 'discarded';
  if (job?.cancelled) return 'cancelled';
  return replays >= mostReplays ? 'quarantined' : 'failed';
}

function ofDeadLetter({ deadLetter, message, record, superseded }: JoinedDeadLetter): DeadLetterEntry {
  const status = superseded
    ? 'superseded'
    : record
      ? record.job?.deadAt === null
        ? 'owed'
        : statusOf(record)
      : message
        ? 'no-record'
        : 'unreadable';
  return {
    status,
    uuid: message?.uuid ?? null,
    requestId: message?.requestId ?? null,
    generation: message?.generation ?? null,
    sequenceNumber: deadLetter.sequenceNumber,
    operation: message?.operation ?? null,
    service: message?.service ?? null,
    fleet: record?.fleet ?? null,
    code: deadLetter.reason || 'unexpected',
    step: null,
    message: deadLetter.description || null,
    attempts: record?.attempts ?? 0,
    replays: record?.replays ?? 0,
    superseded,
    firstSeenAt: record ? iso(record.firstSeenAt) : null,
    failedAt: iso(deadLetter.enqueuedAt),
  };
}
