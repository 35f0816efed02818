import type { DeviceRecord } from '../../../src/device/record.js';
import type { Records } from '../../../src/device/repository.js';
import { pendingWork } from '../../../src/device/state.js';
import { waitFor } from '../../support/waitFor.js';

/** Waits until no job and no check of the device is pending. @returns the record */
export function untilIdle({ records }: { records: Records }, uuid: string): Promise<DeviceRecord> {
  return waitFor(`nothing is under way for ${uuid}`, async () => {
    const record = (await records.read(uuid))?.value;
    return record && !pendingWork(record) && record;
  });
}
