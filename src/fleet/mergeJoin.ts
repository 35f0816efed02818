import type { ListedDevice } from '../balena/listing.js';
import type { Summary } from '../device/summary.js';

/** A device as listed by balena, with the device's record. One side may be null. */
export interface JoinedDevice {
  uuid: string;
  device: ListedDevice | null;
  record: Summary | null;
}

/**
 * Joins devices and records by UUID. Both lists must be sorted by UUID. Therefore only a page of each list is in memory, and a later run
 * can continue at the last UUID of an earlier run.
 *
 * @throws Error if a list is out of order: most devices would appear to be missing
 */
export async function* mergeJoin(
  devices: AsyncIterable<ListedDevice>,
  records: AsyncIterable<Summary>,
): AsyncGenerator<JoinedDevice> {
  const left = reader(devices, 'devices in balena');
  const right = reader(records, 'device records');
  try {
    let [device, record] = await Promise.all([left.next(), right.next()]);
    while (device || record) {
      const uuid = !device || (record && record.uuid < device.uuid) ? record!.uuid : device.uuid;
      const joined = {
        uuid,
        device: device?.uuid === uuid ? device : null,
        record: record?.uuid === uuid ? record : null,
      };
      yield joined;
      if (joined.device) device = await left.next();
      if (joined.record) record = await right.next();
    }
  } finally {
    await Promise.all([left.close(), right.close()]);
  }
}

/** Reads a list item by item. `next` returns null at the end of the list. @param name the name of the list, for the error */
function reader<T extends { uuid: string }>(items: AsyncIterable<T>, name: string) {
  const iterator = items[Symbol.asyncIterator]();
  let last = '';
  return {
    async next(): Promise<T | null> {
      const { done, value } = await iterator.next();
      if (done) return null;
      if (value.uuid <= last) throw new Error(`the list of ${name} is out of order at ${value.uuid}`);
      last = value.uuid;
      return value;
    },
    close: () => iterator.return?.(),
  };
}
