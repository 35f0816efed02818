import type { DeviceRecord } from '../../record/DeviceRecord.js';
import { fits } from '../../record/fits.js';
import { live } from '../../record/live.js';
import { tell } from '../../record/tell.js';
import type { OpsTools } from '../OpsTools.js';
import type { StoredAction } from './StoredAction.js';

/**
 * Takes back a rotation that nobody has begun with: the device is as it was, and needs nothing. One that was begun goes on to its
 * end, because in the midst of it the hub may not accept any more what the device holds.
 *
 * @throws ProvisioningError `records-unavailable`
 */
export async function cancelRotation(
  { records, clock }: Pick<OpsTools, 'records' | 'clock'>,
  action: StoredAction,
  uuid: string,
): Promise<void> {
  await records.amend(uuid, (record) => {
    if (!record?.action || record.action.id !== action.id || !live(record.ticket)) return null;
    if (record.lease || record.attempts > 0 || record.retries > 0) return null;
    const { retire: _, revoke: __, ...desired } = record.desired;
    const as: DeviceRecord = { ...record, desired: { ...desired, ...record.action.before }, ticket: null };
    if (!fits(as)) return null;
    tell(as, {
      at: clock.now(),
      what: 'cancelled',
      note: `the rotation was cancelled by ${action.cancelledBy ?? action.by}`,
    });
    return as;
  });
}
