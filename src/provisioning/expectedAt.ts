import type { DeviceRecord } from '../device/record.js';
import type { Clock } from '../shared/time.js';
import type { Pace } from '../throttling/rateLimiter.js';

/**
 * When the work on a record is expected to be done: at its slot if it has one, at the next free one otherwise, and never
 * before it is due.
 *
 * @returns Unix ms
 */
export async function expectedAt(
  { pace, clock }: { pace: Pace; clock: Clock },
  { ticket }: DeviceRecord,
): Promise<number> {
  const slot = ticket?.slot === undefined ? await pace.nextFree() : await pace.due(ticket.slot);
  return Math.round(Math.max(slot, ticket?.due ?? 0, clock.now()));
}
