import type { Desired, Retirement } from '../../device/record.js';
import type { Records } from '../../device/repository.js';
import { retirementOf } from '../../device/request.js';
import type { Summary } from '../../device/summary.js';
import { type JoinedDeadLetter, partOfMessage, readDeadLetters } from '../../queue/deadLetters.js';
import type { Queue } from '../../queue/queue.js';
import { type Clock, type EpochMs, iso } from '../../shared/time.js';
import { openSnapshotCache, type SnapshotCache } from '../shared/snapshotCache.js';
import type { DeadLetter, DeadLetterStatus } from './schema.js';

/** A dead letter of the list, with the parts that a replay needs. */
export interface DeadLetterEntry extends DeadLetter {
  /** Generation of the record's dead job, or of the message. Null if the message is unreadable. */
  generation: number | null;
  /** The thumbprints and the own key of the message; of a record, they are in the record. */
  retirement: Retirement & Pick<Desired, 'own' | 'proved'>;
}

/** All dead letters, and the time of the reading. */
export interface DeadLetterSnapshot {
  deadLetters: DeadLetterEntry[];
  /** A sentence, if the dead-letter queue could not be read to the end; else null. */
  incomplete: string | null;
  asOf: EpochMs;
}

/**
 * Joins the records of failed requests with the messages of the dead-letter queue. Throws ProvisioningError `records-unavailable`,
 * `queue-unavailable`.
 */
export type DeadLetterSnapshots = SnapshotCache<DeadLetterSnapshot>;

/** After this number of failed replays, a replay takes the request only by name. */
export const maxReplays = 3;

/** Opens the snapshots. The last snapshot stays in memory. */
export function openDeadLetterSnapshots(deps: {
  queue: Queue;
  records: Records;
  clock: Clock;
}): DeadLetterSnapshots {
  return openSnapshotCache(deps.clock, async () => {
    const asOf = deps.clock.now();
    const { dead, deadLetters, whole } = await readDeadLetters(deps);
    return {
      deadLetters: mergeEntries(dead, deadLetters),
      incomplete: whole
        ? null
        : `The dead-letter queue has more than ${deadLetters.length} messages. The list has the later messages only by the records of the devices.`,
      asOf,
    };
  });
}

/** One entry for each dead job of a record, with the sequence number of the record's message; and one for each other message. */
function mergeEntries(dead: Iterable<Summary>, messages: readonly JoinedDeadLetter[]): DeadLetterEntry[] {
  const ofRecords = new Map<string, DeadLetterEntry>();
  for (const summary of dead) ofRecords.set(idOf(summary), ofRecord(summary));
  const ofOthers: DeadLetterEntry[] = [];
  for (const each of messages) {
    const { message, record, deadLetter } = each;
    // Compared by id, not by `superseded`: the message of a discarded request is superseded, and belongs to the record.
    const part = record && message && partOfMessage(message, record);
    const own = part && ofRecords.get(idOf(part));
    if (own) own.sequenceNumber ??= deadLetter.sequenceNumber;
    else ofOthers.push(ofDeadLetter(each));
  }
  return [...ofRecords.values(), ...ofOthers];
}

function idOf({ uuid, requestId, job }: Summary): string {
  return `${uuid}.${requestId}.${job?.generation}`;
}

function ofRecord(summary: Summary): DeadLetterEntry {
  const { job } = summary;
  return {
    status: recordStatusOf(summary),
    uuid: summary.uuid,
    requestId: summary.requestId,
    generation: job?.generation ?? null,
    retirement: {},
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

function recordStatusOf({ job, replays }: Summary): DeadLetterStatus {
  if (job?.discarded) return 'discarded';
  if (job?.cancelled) return 'cancelled';
  return replays >= maxReplays ? 'quarantined' : 'failed';
}

function ofDeadLetter({ deadLetter, message, record, superseded }: JoinedDeadLetter): DeadLetterEntry {
  return {
    status: messageStatusOf({ message, record, superseded }),
    uuid: message?.uuid ?? null,
    requestId: message?.requestId ?? null,
    generation: message?.generation ?? null,
    retirement: {
      ...retirementOf(message ?? {}),
      ...(message?.own && { own: message.own }),
      ...(message?.proved && { proved: true }),
    },
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

function messageStatusOf({
  message,
  record,
  superseded,
}: Pick<JoinedDeadLetter, 'message' | 'record' | 'superseded'>): DeadLetterStatus {
  if (superseded) return 'superseded';
  const part = record && message && partOfMessage(message, record);
  if (part) return part.job?.deadAt === null ? 'pending' : recordStatusOf(part);
  return message ? 'no-record' : 'unreadable';
}
