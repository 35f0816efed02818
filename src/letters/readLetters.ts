import pLimit from 'p-limit';
import type { DeadLetter, Queue } from '../edges/queue.js';
import { readActionMessage } from '../message/ActionMessage.js';
import { type ProvisioningMessage, parseMessage } from '../message/ProvisioningMessage.js';
import { type Summary, summarize } from '../record/Summary.js';
import type { Records } from '../records.js';
import { isLetterOf } from './isLetterOf.js';

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
