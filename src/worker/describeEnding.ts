import type { DeviceRecord, Ticket } from '../record/DeviceRecord.js';
import type { Ending } from './finish.js';

/**
 * How a run ended, for the device's story.
 *
 * @param record after the run was concluded in it
 * @param kind of the ticket that was worked on
 */
export function describeEnding(record: DeviceRecord, kind: Ticket['kind'], ending: Ending): string {
  const { ticket, desired } = record;
  if (ending.kind === 'done') {
    if (kind === 'check') return 'checked: it is as it should be';
    return desired.present ? 'provisioned' : 'deprovisioned';
  }
  if (ending.kind === 'slot-is-far') return 'waits for its registry slot';
  const { code, message } = ending.error;
  if (ticket?.dead) return `failed for good, ${code}: ${message}`;
  if (ticket) return `${code}: ${message} It is tried again`;
  return `the check failed, ${code}: ${message}`;
}
