import type { DeviceRecord } from '../device/record.js';
import type { Records } from '../device/repository.js';
import { retirementOf } from '../device/request.js';
import { pendingWork } from '../device/state.js';
import { publishFailed } from '../device/transitions.js';
import { ProvisioningError } from '../shared/errors.js';
import type { Clock, EpochMs } from '../shared/time.js';
import { mostCopied, type ProvisioningMessage, version } from './messages.js';
import type { Queue } from './queue.js';

/**
 * Sends the message of the record's next work, if there is any. The same work always gets the same message id, so the queue drops a
 * message that it has seen within its duplicate window.
 *
 * @throws ProvisioningError `queue-unavailable`
 */
export async function publish(
  { queue, clock }: { queue: Queue; clock: Clock },
  record: DeviceRecord,
): Promise<void> {
  const { uuid, desired } = record;
  const work = pendingWork(record);
  if (!work) return;
  const message: ProvisioningMessage = {
    v: version,
    uuid,
    requestId: desired.requestId,
    generation: work.generation,
    // Each message of the work has its own `due`: a worker recognises by `due` a dead letter that an operator has resent.
    due: Math.max(work.due, clock.now()),
    operation: desired.present ? 'provision' : 'deprovision',
    service: desired.service,
    ...(desired.own && { own: desired.own }),
    ...(desired.proved && { proved: true }),
    ...retirementOf(desired),
    ...(work.traceparent !== undefined && { traceparent: work.traceparent }),
  };
  await queue.send(message, { messageId: messageIdOf(record), at: work.due });
}

/** The id of the message of the record's next work; of a dead job if no work is pending. */
export function messageIdOf(record: Pick<DeviceRecord, 'desired' | 'job' | 'check'>): string {
  return `${record.desired.requestId}.${(pendingWork(record) ?? record.job)?.generation}`;
}

/**
 * Postpones a message without changing the device's record: sends a copy. The copy's id is made of the message's id and sequence number.
 * A redelivery of the same message therefore makes no second copy, and a copy can be copied again. The copy says when the copied message became active.
 *
 * @param at the time at which the copy becomes active
 *
 * @throws ProvisioningError `queue-unavailable`
 */
export async function publishCopy(
  queue: Queue,
  message: ProvisioningMessage,
  { sequenceNumber, enqueuedAt }: { sequenceNumber: string; enqueuedAt: EpochMs },
  at: EpochMs,
): Promise<void> {
  const messageId = `${message.requestId}.${message.generation}~${sequenceNumber}`;
  const copy = { ...message, due: at, from: sequenceNumber, copyOf: copiedBy(message, enqueuedAt) };
  await queue.send(copy, { messageId, at });
}

/** A message that becomes active later than this time after its `due` was sent late, or was resent by an operator. */
export const resentAfterMs = 60_000;

/** The messages behind a copy: a copy that was on time stands for the messages of which it is a copy. */
function copiedBy({ due, from, copyOf = [] }: ProvisioningMessage, enqueuedAt: EpochMs) {
  if (copyOf.length > 0 && enqueuedAt <= due + resentAfterMs) return copyOf;
  return [...copyOf, { due, ...(from !== undefined && { from }), activeAt: enqueuedAt }].slice(-mostCopied);
}

/**
 * Sends the message of a record that was just written. If that fails, the work is marked, so that the next request sends the message.
 * If the mark cannot be written either, the redrive sends the message.
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
    const mark = (found: DeviceRecord | null) =>
      found && messageIdOf(found) === messageIdOf(record) ? publishFailed(found) : null;
    await deps.records.amend(record.uuid, mark).catch(() => {});
    throw ProvisioningError.from(error);
  }
}

/**
 * The messages that this process has sent, and whose sending Service Bus has confirmed, within the duplicate window of the queue. The
 * queue would drop the same message, so nothing is gained by sending the message again within this time.
 */
export interface SentRecently {
  has(messageId: string): boolean;
  add(messageId: string): void;
}

/** About ten megabytes. A message that is forgotten too early is sent once more, and the queue drops the duplicate. */
const mostRemembered = 100_000;

/** Opens the memory of sent messages. @param windowMs the duplicate window of the queue, ms */
export function rememberSent(clock: Clock, windowMs: number): SentRecently {
  // A Map keeps the order of insertion, so the oldest entries come first.
  const sent = new Map<string, EpochMs>();
  const forgetOld = (now: EpochMs) => {
    for (const [messageId, at] of sent) {
      if (now - at < windowMs && sent.size <= mostRemembered) return;
      sent.delete(messageId);
    }
  };
  return {
    has(messageId) {
      const at = sent.get(messageId);
      return at !== undefined && clock.now() - at < windowMs;
    },
    add(messageId) {
      const now = clock.now();
      sent.delete(messageId);
      sent.set(messageId, now);
      forgetOld(now);
    },
  };
}
