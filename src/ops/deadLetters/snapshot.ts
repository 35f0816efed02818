import type { Records } from '../../device/repository.js';
import type { Summary } from '../../device/summary.js';
import { type ReadLetter, readLetters } from '../../queue/deadLetters.js';
import type { Queue } from '../../queue/queue.js';
import { type Clock, iso } from '../../shared/time.js';
import type { Letter, LetterStatus } from './schema.js';

/** A letter of the list, and what a replay of it needs. */
export interface Entered extends Letter {
  /** Of the record's given-up ticket, or of the message; null where it cannot be read. */
  n: number | null;
}

export interface Snapshot {
  letters: Entered[];
  incomplete: string | null;
  /** Unix ms. */
  asOf: number;
}

/** The list of everything that failed for good: what the records know, and what lies in the dead-letter queue. */
export interface LetterBook {
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

export function openLetterBook(tools: { queue: Queue; records: Records; clock: Clock }): LetterBook {
  let last: (Snapshot & { tookMs: number }) | undefined;
  let reading: Promise<Snapshot> | undefined;

  async function readNow(): Promise<Snapshot> {
    const asOf = tools.clock.now();
    const { dead, letters, whole } = await readLetters(tools);
    const entered = new Map<string, Entered>();
    for (const summary of dead.values()) entered.set(idOf(summary), ofRecord(summary));
    const others: Entered[] = [];
    for (const each of letters) {
      // That of a discarded request is superseded, and still its letter.
      const { message, record } = each;
      const isOwn = record?.requestId === message?.requestId && record?.ticket?.n === message?.n;
      const own = record && isOwn && entered.get(idOf(record));
      if (own) own.sequenceNumber ??= each.letter.sequenceNumber;
      else others.push(ofLetter(each));
    }
    const incomplete = whole
      ? null
      : `There are more than ${letters.length} letters in the dead-letter queue: those behind are listed by their records alone.`;
    last = { letters: [...entered.values(), ...others], incomplete, asOf, tookMs: tools.clock.now() - asOf };
    return last;
  }

  return {
    async read(freshMs) {
      if (last && freshMs > 0 && tools.clock.now() - last.asOf < Math.max(freshMs, 10 * last.tookMs))
        return last;
      reading ??= readNow().finally(() => {
        reading = undefined;
      });
      return reading;
    },
  };
}

function idOf({ uuid, requestId, ticket }: Summary): string {
  return `${uuid}.${requestId}.${ticket?.n}`;
}

function ofRecord(summary: Summary): Entered {
  const { ticket } = summary;
  return {
    status: statusOf(summary),
    uuid: summary.uuid,
    requestId: summary.requestId,
    n: ticket?.n ?? null,
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
    failedAt: iso(ticket?.deadAt ?? 0),
  };
}

function statusOf({ ticket, replays }: Summary): LetterStatus {
  if (ticket?.discarded) return 'discarded';
  if (ticket?.cancelled) return 'cancelled';
  return replays >= mostReplays ? 'quarantined' : 'failed';
}

function ofLetter({ letter, message, record, superseded }: ReadLetter): Entered {
  const status = superseded
    ? 'superseded'
    : record
      ? record.ticket?.deadAt === null
        ? 'owed'
        : statusOf(record)
      : message
        ? 'no-record'
        : 'unreadable';
  return {
    status,
    uuid: message?.uuid ?? null,
    requestId: message?.requestId ?? null,
    n: message?.n ?? null,
    sequenceNumber: letter.sequenceNumber,
    operation: message?.operation ?? null,
    service: message?.service ?? null,
    fleet: record?.fleet ?? null,
    code: letter.reason || 'unexpected',
    step: null,
    message: letter.description || null,
    attempts: record?.attempts ?? 0,
    replays: record?.replays ?? 0,
    superseded,
    firstSeenAt: record ? iso(record.firstSeenAt) : null,
    failedAt: iso(letter.enqueuedAt),
  };
}
