import type { Records } from '../device/repository.js';
import { partsOf, type Summary } from '../device/summary.js';
import type { EpochMs } from '../shared/time.js';
import type { ErasableTable } from '../storage/table.js';
import { contentOf, type ProvisioningMessage, parseMessage, readWakeUpMessage } from './messages.js';
import type { PeekedDeadLetter, Queue } from './queue.js';

/** A message of the dead-letter queue with the record of its device. */
export interface JoinedDeadLetter {
  deadLetter: PeekedDeadLetter;
  /** Null if this version cannot read the message. */
  message: ProvisioningMessage | null;
  /** Null if the device has no record. */
  record: Summary | null;
  /** The record has another job by now, or the job was discarded. The redrive removes the dead letter. */
  superseded: boolean;
}

/** The whole dead-letter queue and the records with a dead job. */
export interface DeadLetterReading {
  /** All dead jobs: of the present request of a record, or of a refused request. */
  dead: Summary[];
  deadLetters: JoinedDeadLetter[];
  /** False if the queue holds more messages than were read. */
  whole: boolean;
}

/** The queue and the records, for reading dead letters. */
export interface DeadLetterDependencies {
  queue: Queue;
  records: Records;
}

/** About 40 MB. Of a longer dead-letter queue, only this many messages are read, from the head. */
const mostDeadLetters = 20_000;

/**
 * Reads the whole dead-letter queue and all records with a dead job, without locks or changes.
 *
 * @throws ProvisioningError `records-unavailable`, `queue-unavailable`
 */
export async function readDeadLetters(deps: DeadLetterDependencies): Promise<DeadLetterReading> {
  const withDeadJob = new Map<string, Summary>();
  for (const summary of await deps.records.listedSummaries('dead')) withDeadJob.set(summary.uuid, summary);
  const found: { deadLetter: PeekedDeadLetter; message: ProvisioningMessage | null }[] = [];
  let whole = true;
  for await (const deadLetter of deps.queue.deadLetters()) {
    if (found.length >= mostDeadLetters) {
      whole = false;
      break;
    }
    found.push({ deadLetter, message: readable(deadLetter.body) });
  }
  // A record may have failed again between the two readings. The records of all dead letters that seem superseded are therefore read
  // once more. A dead letter that belongs to its record needs no second reading.
  const wanted = new Set<string>();
  for (const { message } of found) {
    const record = message && withDeadJob.get(message.uuid);
    if (message && !(record && isCurrentDeadLetter(message, record))) wanted.add(message.uuid);
  }
  const later = new Map((await deps.records.summariesOf(wanted)).map((summary) => [summary.uuid, summary]));
  const deadLetters = found.map(({ deadLetter, message }) => {
    const uuid = message?.uuid ?? '';
    const record = (wanted.has(uuid) ? later : withDeadJob).get(uuid) ?? null;
    return {
      deadLetter,
      message,
      record,
      superseded: message
        ? record !== null && !isCurrentDeadLetter(message, record)
        : // After a dead-lettered wake-up message, the redrive timer sends a new one.
          readWakeUpMessage(deadLetter.body) !== null,
    };
  });
  const dead = [...withDeadJob.values()].flatMap(partsOf).filter(({ job }) => job?.deadAt != null);
  return { dead, deadLetters, whole };
}

/** @returns null for a message that this version cannot read; an operator must decide about such a message */
function readable(body: unknown): ProvisioningMessage | null {
  try {
    return parseMessage(contentOf(body));
  } catch {
    return null;
  }
}

/**
 * Whether the message belongs to the record's present job, dead or pending, and the job was not discarded. Every other dead letter is
 * superseded.
 */
export function isCurrentDeadLetter(
  { requestId, generation }: ProvisioningMessage,
  record: Summary,
): boolean {
  const part = partOfMessage({ requestId, generation }, record);
  return part !== null && !part.job?.discarded;
}

/** The part of a record that has the message's job: the present request, or the refused request; null if the message is superseded. */
export function partOfMessage(
  { requestId, generation }: Pick<ProvisioningMessage, 'requestId' | 'generation'>,
  record: Summary,
): Summary | null {
  return (
    partsOf(record).find((part) => part.job?.generation === generation && part.requestId === requestId) ??
    null
  );
}

/**
 * The discarded dead letters without a record, by sequence number. The redrive timer removes these messages from the queue later. All
 * methods throw `records-unavailable`.
 */
export interface DiscardedDeadLetters {
  add(deadLetter: DiscardedDeadLetter): Promise<void>;
  list(): Promise<string[]>;
  forget(sequenceNumber: string): Promise<void>;
}

/** A discarded dead letter of a device without a record. */
export interface DiscardedDeadLetter {
  sequenceNumber: string;
  /** The operator. */
  by: string;
  reason: string;
  at: EpochMs;
}

const keyOf = (sequenceNumber: string) => ({ partition: 'discarded', row: sequenceNumber });

/** Opens the list of discarded dead letters. */
export function openDiscardedDeadLetters(table: ErasableTable<DiscardedDeadLetter>): DiscardedDeadLetters {
  return {
    async add(deadLetter) {
      // An existing row is no error.
      await table.put(keyOf(deadLetter.sequenceNumber), deadLetter, null);
    },
    async list() {
      const found: string[] = [];
      for await (const { sequenceNumber } of table.list("PartitionKey eq 'discarded'"))
        found.push(sequenceNumber);
      return found;
    },
    async forget(sequenceNumber) {
      await table.remove(keyOf(sequenceNumber));
    },
  };
}
