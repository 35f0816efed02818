import { currentTraceparent } from '../telemetry/traceparent.js';
import type { DeviceRecord, Ticket } from './DeviceRecord.js';

/**
 * Owes the record's work at a new time, under a new number, so that every older message is superseded. Kind and distrust of
 * the ticket are kept; where there was none, it is a change. The trace goes on, too, unless a kind is given: that is new work.
 *
 * @param due Unix ms
 * @param more what differs from the ticket before; a reserved slot is not kept, unless named here
 */
export function again(
  record: DeviceRecord,
  due: number,
  more: Pick<Partial<Ticket>, 'kind' | 'slot' | 'distrust'> = {},
): void {
  const old = record.ticket;
  record.lastN += 1;
  const kind = more.kind ?? old?.kind ?? 'change';
  // Whole: a message with half a millisecond is one that no worker reads.
  record.ticket = { n: record.lastN, kind, due: Math.round(due) };
  if (old?.distrust || more.distrust) record.ticket.distrust = true;
  if (more.slot !== undefined) record.ticket.slot = more.slot;
  const traceparent = (more.kind === undefined ? old?.traceparent : undefined) ?? currentTraceparent();
  if (traceparent !== undefined) record.ticket.traceparent = traceparent;
}
