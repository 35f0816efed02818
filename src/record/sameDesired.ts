import type { Asked } from '../accept.js';
import type { DeviceRecord } from './DeviceRecord.js';

/** Is what is asked for what the record says already: present or absent, the service, and nothing new to retire or revoke? */
export function sameDesired(asked: Asked, { desired }: DeviceRecord): boolean {
  if (asked.present !== desired.present) return false;
  if (!asked.present) return true;
  if (asked.service !== desired.service) return false;
  if (asked.retire === undefined) return true;
  return asked.retire === desired.retire && (!asked.revoke || desired.revoke === true);
}
