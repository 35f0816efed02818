import pLimit from 'p-limit';
import type { Records } from '../device/repository.js';
import { type Summary, summarize } from '../device/summary.js';
import type { ErasableTable } from '../storage/table.js';
import { type ProvisioningMessage, parseMessage, readWakeUpMessage } from './messages.js';
import type { PeekedDeadLetter, Queue } from './queue.js';

/** A letter of the dead-letter queue beside the record that it is about. */
export interface JoinedDeadLetter {
  deadLetter: PeekedDeadLetter;
  /** Null if this version cannot read it. */
  message: ProvisioningMessage | null;
  /** Null if there is none. */
  record: Summary | null;
  superseded: boolean;
}

export interface DeadLetterReading {
  /** Of every record that is given up, by uuid. */
  dead: Map<string, Summary>;
  deadLetters: JoinedDeadLetter[];
  /** False if there are more letters than were looked at. */
  whole: boolean;
}

export interface DeadLetterDependencies {
  queue: Queue;
  records: Records;
}

/** About 40 MB. Past it, a queue has to be worked off from its head. */
const mostDeadLetters = 20_000;
const readsAtATime = 50;
/** Fewer records than this are read one by one; for more, one look through all of them costs less. */
const fewRecords = 200;

/**
 * Looks at the whole dead-letter queue and at all records that are given up, without locking or changing anything.
 *
 * @throws ProvisioningError `records-unavailable`, `queue-unavailable`
 */
export async function readDeadLetters(deps: DeadLetterDependencies): Promise<DeadLetterReading> {
  const dead = new Map<string, Summary>();
  for await (const summary of deps.records.summaries({ dead: true })) dead.set(summary.uuid, summary);
  const found: { deadLetter: PeekedDeadLetter; message: ProvisioningMessage | null }[] = [];
  let whole = true;
  for await (const deadLetter of deps.queue.deadLetters()) {
    if (found.length >= mostDeadLetters) {
      whole = false;
      break;
    }
    found.push({ deadLetter, message: readable(deadLetter.body) });
  }
  // Read again after the letters, for a record may have failed anew in between: what is superseded by then remains so.
  const wanted = new Set<string>();
  for (const { message } of found) {
    const record = message && dead.get(message.uuid);
    if (message && !(record && isCurrentDeadLetter(message, record))) wanted.add(message.uuid);
  }
  const later = await readRecords(deps.records, wanted);
  const deadLetters = found.map(({ deadLetter, message }) => {
    const uuid = message?.uuid ?? '';
    const record = (wanted.has(uuid) ? later : dead).get(uuid) ?? null;
    return {
      deadLetter,
      message,
      record,
      superseded: message
        ? record !== null && !isCurrentDeadLetter(message, record)
        : // A bulk action whose message was given up is gone on with by another: see `nudgeLost`.
          readWakeUpMessage(deadLetter.body) !== null,
    };
  });
  return { dead, deadLetters, whole };
}

async function readRecords(records: Records, wanted: Set<string>): Promise<Map<string, Summary>> {
  const found = new Map<string, Summary>();
  if (wanted.size <= fewRecords) {
    const limit = pLimit(readsAtATime);
    await limit.map([...wanted], async (uuid) => {
      const row = await records.read(uuid);
      if (row) found.set(uuid, summarize(row.value));
    });
  } else {
    for await (const summary of records.summaries())
      if (wanted.has(summary.uuid)) found.set(summary.uuid, summary);
  }
  return found;
}

/** A letter that cannot be read is for a person to look at. */
function readable(body: unknown): ProvisioningMessage | null {
  try {
    return parseMessage(body);
  } catch {
    return null;
  }
}

/** Is this the letter of the record's given-up ticket, or work that is still owed? Any other letter is superseded. */
export function isCurrentDeadLetter(
  { requestId, generation }: ProvisioningMessage,
  record: Pick<Summary, 'requestId' | 'job'>,
): boolean {
  return record.job?.generation === generation && record.requestId === requestId && !record.job.discarded;
}

/**
 * Letters without a record that ops have discarded, by their sequence numbers, until the overdue timer has removed them. All
 * throw `records-unavailable`.
 */
export interface DiscardedDeadLetters {
  add(deadLetter: DiscardedDeadLetter): Promise<void>;
  list(): Promise<string[]>;
  forget(sequenceNumber: string): Promise<void>;
}

export interface DiscardedDeadLetter {
  sequenceNumber: string;
  by: string;
  reason: string;
  /** Unix ms. */
  at: number;
}

const keyOf = (sequenceNumber: string) => ({ partition: 'discarded', row: sequenceNumber });

export function openDiscardedDeadLetters(table: ErasableTable<DiscardedDeadLetter>): DiscardedDeadLetters {
  return {
    async add(deadLetter) {
      // That it is there already is fine.
      await table.put(keyOf(deadLetter.sequenceNumber), deadLetter, null);
    },
    async list() {
      const found: string[] = [];
      for await (const { sequenceNumber } of table.list("PartitionKey eq 'discarded'"))
        found.push(sequenceNumber);
      return found;
    },
    forget: (sequenceNumber) => table.remove(keyOf(sequenceNumber)),
  };
}
