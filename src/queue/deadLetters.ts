import pLimit from 'p-limit';
import type { Records } from '../device/repository.js';
import { type Summary, summarize } from '../device/summary.js';
import type { ErasableTable } from '../storage/table.js';
import { type ProvisioningMessage, parseMessage, readActionMessage } from './messages.js';
import type { DeadLetter, Queue } from './queue.js';

/** A letter of the dead-letter queue beside the record that it is about. */
export interface ReadLetter {
  letter: DeadLetter;
  /** Null if this version cannot read it. */
  message: ProvisioningMessage | null;
  /** Null if there is none. */
  record: Summary | null;
  superseded: boolean;
}

export interface ReadLetters {
  /** Of every record that is given up, by uuid. */
  dead: Map<string, Summary>;
  letters: ReadLetter[];
  /** False if there are more letters than were looked at. */
  whole: boolean;
}

export interface LetterTools {
  queue: Queue;
  records: Records;
}

/** About 40 MB. Past it, a queue has to be worked off from its head. */
const mostLetters = 20_000;
const readsAtATime = 50;
/** Fewer records than this are read one by one; for more, one look through all of them costs less. */
const fewRecords = 200;

/**
 * Looks at the whole dead-letter queue and at all records that are given up, without locking or changing anything.
 *
 * @throws ProvisioningError `records-unavailable`, `queue-unavailable`
 */
export async function readLetters(tools: LetterTools): Promise<ReadLetters> {
  const dead = new Map<string, Summary>();
  for await (const summary of tools.records.summaries({ dead: true })) dead.set(summary.uuid, summary);
  const found: { letter: DeadLetter; message: ProvisioningMessage | null }[] = [];
  let whole = true;
  for await (const letter of tools.queue.deadLetters()) {
    if (found.length >= mostLetters) {
      whole = false;
      break;
    }
    found.push({ letter, message: readable(letter.body) });
  }
  // Read again after the letters, for a record may have failed anew in between: what is superseded by then remains so.
  const wanted = new Set<string>();
  for (const { message } of found) {
    const record = message && dead.get(message.uuid);
    if (message && !(record && isLetterOf(message, record))) wanted.add(message.uuid);
  }
  const later = await readRecords(tools.records, wanted);
  const letters = found.map(({ letter, message }) => {
    const uuid = message?.uuid ?? '';
    const record = (wanted.has(uuid) ? later : dead).get(uuid) ?? null;
    return {
      letter,
      message,
      record,
      superseded: message
        ? record !== null && !isLetterOf(message, record)
        : // A bulk action whose message was given up is gone on with by another: see `nudgeLost`.
          readActionMessage(letter.body) !== null,
    };
  });
  return { dead, letters, whole };
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
export function isLetterOf(
  { requestId, n }: ProvisioningMessage,
  record: Pick<Summary, 'requestId' | 'ticket'>,
): boolean {
  return record.ticket?.n === n && record.requestId === requestId && !record.ticket.discarded;
}

/**
 * Letters without a record that ops have discarded, by their sequence numbers, until the overdue timer has removed them. All
 * throw `records-unavailable`.
 */
export interface DiscardedLetters {
  add(letter: Discarded): Promise<void>;
  list(): Promise<string[]>;
  forget(sequenceNumber: string): Promise<void>;
}

export interface Discarded {
  sequenceNumber: string;
  by: string;
  reason: string;
  /** Unix ms. */
  at: number;
}

const keyOf = (sequenceNumber: string) => ({ partition: 'discarded', row: sequenceNumber });

export function openDiscardedLetters(table: ErasableTable<Discarded>): DiscardedLetters {
  return {
    async add(letter) {
      // That it is there already is fine.
      await table.put(keyOf(letter.sequenceNumber), letter, null);
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
