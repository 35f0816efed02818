import type { DeviceRecord } from './DeviceRecord.js';
import { fits } from './fits.js';
import { live } from './live.js';

export type State = 'queued' | 'working' | 'retrying' | 'provisioned' | 'deprovisioned' | 'failed';

/**
 * The record's state, for people. Nothing decides by it.
 *
 * @param now Unix ms
 */
export function stateOf(record: DeviceRecord, now: number): State {
  const { ticket, lease, desired } = record;
  if (live(ticket) && ticket.kind === 'change') {
    if (lease && !lease.left && now < lease.until) return 'working';
    return record.error ? 'retrying' : 'queued';
  }
  if (!fits(record)) return 'failed';
  return desired.present ? 'provisioned' : 'deprovisioned';
}
