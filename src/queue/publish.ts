import type { DeviceRecord } from '../device/record.js';
import type { Records } from '../device/repository.js';
import { isPending } from '../device/state.js';
import { ProvisioningError } from '../shared/errors.js';
import type { Clock } from '../shared/time.js';
import type { ProvisioningMessage } from './messages.js';
import type { Queue } from './queue.js';

/**
 * Sends the message of the record's live ticket, if there is one: the same ticket gives the same message id, always, so that
 * the queue drops what it has seen in its duplicate window.
 *
 * @throws ProvisioningError `queue-unavailable`
 */
export async function publish(
  { queue, clock }: { queue: Queue; clock: Clock },
  record: DeviceRecord,
): Promise<void> {
  if (!isPending(record.job)) return;
  // Never a time that has passed: a worker tells by it whether someone has sent a message again by hand.
  const due = Math.max(record.job.due, clock.now());
  await queue.send(messageOf(record, record.job.generation, due), {
    messageId: messageIdOf(record),
    at: record.job.due,
  });
}

/** The id of the live ticket's message. */
export function messageIdOf({ desired, job }: DeviceRecord): string {
  return `${desired.requestId}.${job?.generation}`;
}

function messageOf(
  { uuid, desired, job }: DeviceRecord,
  generation: number,
  due: number,
): ProvisioningMessage {
  const operation = desired.present ? 'provision' : 'deprovision';
  const traceparent = job?.traceparent;
  return {
    v: 1,
    uuid,
    requestId: desired.requestId,
    generation,
    due,
    operation,
    service: desired.service,
    ...(traceparent !== undefined && { traceparent }),
  };
}

/**
 * Puts a message off without touching its record. Its id is the message's own and where it stood in the queue: a redelivery
 * of the same message makes no second copy, and a copy can be copied.
 *
 * @param at Unix ms
 * @throws ProvisioningError `queue-unavailable`
 */
export async function publishCopy(
  queue: Queue,
  message: ProvisioningMessage,
  sequenceNumber: string,
  at: number,
): Promise<void> {
  const messageId = `${message.requestId}.${message.generation}~${sequenceNumber}`;
  await queue.send({ ...message, due: at }, { messageId, at });
}

/**
 * Sends the message of a record just written; if that fails, its ticket is marked, so that the next ask sends it. If it cannot
 * be marked either, the overdue timer sends it.
 *
 * @throws ProvisioningError `queue-unavailable`
 */
export async function publishOrMarkUnsent(
  deps: { records: Records; queue: Queue; clock: Clock },
  record: DeviceRecord,
): Promise<void> {
  try {
    await publish(deps, record);
  } catch (error) {
    await deps.records.amend(record.uuid, (now) => markUnsent(now, record)).catch(() => {});
    throw ProvisioningError.from(error);
  }
}

function markUnsent(record: DeviceRecord | null, sent: DeviceRecord): DeviceRecord | null {
  if (!record?.job || messageIdOf(record) !== messageIdOf(sent) || record.job.unsent) return null;
  record.job.unsent = true;
  return record;
}

/** The messages that this process has sent within the last minute. */
export interface SentRecently {
  has(messageId: string): boolean;
  add(messageId: string): void;
}

const forgetAfterMs = 60_000;
/** About ten megabytes. What is forgotten early is sent once more, and dropped by the queue. */
const most = 100_000;

export function rememberSent(clock: Clock): SentRecently {
  // A Map keeps the order of insertion: the oldest come first.
  const sent = new Map<string, number>();
  const forget = (now: number) => {
    for (const [messageId, at] of sent) {
      if (now - at < forgetAfterMs && sent.size <= most) return;
      sent.delete(messageId);
    }
  };
  return {
    has(messageId) {
      const at = sent.get(messageId);
      return at !== undefined && clock.now() - at < forgetAfterMs;
    },
    add(messageId) {
      const now = clock.now();
      sent.delete(messageId);
      sent.set(messageId, now);
      forget(now);
    },
  };
}
