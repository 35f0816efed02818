import type { Clock } from '../clock.js';
import type { Queue } from '../edges/queue.js';
import type { DeviceRecord } from '../record/DeviceRecord.js';
import { live } from '../record/live.js';
import type { ProvisioningMessage } from './ProvisioningMessage.js';

/**
 * Sends the message of the record's live ticket, if there is one: the same ticket gives the same message id, always, so that
 * the queue drops what it has seen in its duplicate window.
 *
 * @throws ProvisioningError `queue-unavailable`
 */
export async function send(
  { queue, clock }: { queue: Queue; clock: Clock },
  record: DeviceRecord,
): Promise<void> {
  if (!live(record.ticket)) return;
  // Never a time that has passed: a worker tells by it whether someone has sent a message again by hand.
  const due = Math.max(record.ticket.due, clock.now());
  await queue.send(messageOf(record, record.ticket.n, due), {
    messageId: messageIdOf(record),
    at: record.ticket.due,
  });
}

/** The id of the live ticket's message. */
export function messageIdOf({ desired, ticket }: DeviceRecord): string {
  return `${desired.requestId}.${ticket?.n}`;
}

function messageOf({ uuid, desired, ticket }: DeviceRecord, n: number, due: number): ProvisioningMessage {
  const operation = desired.present ? 'provision' : 'deprovision';
  const traceparent = ticket?.traceparent;
  return {
    v: 1,
    uuid,
    requestId: desired.requestId,
    n,
    due,
    operation,
    service: desired.service,
    ...(traceparent !== undefined && { traceparent }),
  };
}
