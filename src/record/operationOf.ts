import type { DeviceRecord } from './DeviceRecord.js';

/** What the record's request asks for, in the words of the API. */
export function operationOf({
  desired,
}: Pick<DeviceRecord, 'desired'>): 'provision' | 'rotate' | 'deprovision' {
  if (!desired.present) return 'deprovision';
  return desired.retire === undefined ? 'provision' : 'rotate';
}
