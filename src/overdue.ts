import type { Clock } from './clock.js';
import type { DeadLetter, Queue } from './edges/queue.js';
import { type ProvisioningMessage, parseMessage } from './message/ProvisioningMessage.js';
import { send } from './message/send.js';
import type { DeviceRecord } from './record/DeviceRecord.js';
import { live } from './record/live.js';
import type { Records } from './records.js';

export interface OverdueTools {
  records: Records;
  queue: Queue;
  clock: Clock;
  /** The queue's duplicate window: sent again sooner, a message is dropped. */
  duplicateWindowMs: number;
  /** How often this runs. */
  periodMs: number;
}

/** What a run of the timer did. */
export interface OverdueReport {
  sent: number;
  cleaned: number;
}

const sendsAtATime = 50;
const lettersAtATime = 100;

/**
 * The safety net: sends the messages of work that is overdue, and cleans superseded letters from the head of the dead-letter
 * queue. Needed where a process died between writing a ticket and sending its message.
 *
 * @throws ProvisioningError `records-unavailable`, `queue-unavailable`: the next run tries again
 */
export async function overdue(tools: OverdueTools): Promise<OverdueReport> {
  return { sent: await sendOverdue(tools), cleaned: await cleanSuperseded(tools) };
}

async function sendOverdue(tools: OverdueTools): Promise<number> {
  const { records, clock, duplicateWindowMs } = tools;
  const now = clock.now();
  let sent = 0;
  let batch: Promise<void>[] = [];
  for await (const record of records.overdue(now - duplicateWindowMs)) {
    if (!live(record.ticket) || !isTurn(now - record.ticket.due, tools)) continue;
    batch.push(send(tools, record));
    sent += 1;
    if (batch.length >= sendsAtATime) {
      await Promise.all(batch);
      batch = [];
    }
  }
  await Promise.all(batch);
  return sent;
}

/**
 * Sent when overdue by the duplicate window, and again when that has doubled, and so on: if a power of two of it fell into
 * the period since the last run. That needs no state, and a long backlog is not sent over and over.
 */
function isTurn(lateMs: number, { duplicateWindowMs, periodMs }: OverdueTools): boolean {
  if (lateMs < duplicateWindowMs) return false;
  const power = duplicateWindowMs * 2 ** Math.floor(Math.log2(lateMs / duplicateWindowMs));
  return lateMs - power < periodMs;
}

async function cleanSuperseded({ queue, records }: OverdueTools): Promise<number> {
  const superseded = async (body: unknown) => {
    const message = readable(body);
    if (!message) return false;
    const found = await records.read(message.uuid);
    return found !== null && !isLetterOf(message, found.value);
  };
  // A look first: to receive what is not superseded would raise its delivery count every five minutes.
  const head = await queue.peekDeadLetters(lettersAtATime);
  const any = (await Promise.all(head.map(({ body }) => superseded(body)))).includes(true);
  if (!any) return 0;
  let cleaned = 0;
  const settle = async (letter: DeadLetter) => {
    if (!(await superseded(letter.body))) return letter.release();
    await letter.complete();
    cleaned += 1;
  };
  // One after the other: two neighbours that are settled in the same tick both get the outcome of the first (rhea 3.0.5, which the
  // Service Bus SDK uses), and a letter that is to stay would be gone.
  for (const letter of await queue.receiveDeadLetters(lettersAtATime)) await settle(letter);
  return cleaned;
}

/** A letter that cannot be read is for a person to look at. */
function readable(body: unknown): ProvisioningMessage | null {
  try {
    return parseMessage(body);
  } catch {
    return null;
  }
}

/** Is this the letter of the record's given-up ticket, or work that is still owed? */
function isLetterOf({ requestId, n }: ProvisioningMessage, { desired, ticket }: DeviceRecord): boolean {
  return ticket !== null && ticket.n === n && desired.requestId === requestId;
}
