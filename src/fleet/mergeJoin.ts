import type { ListedDevice } from '../balena/listing.js';
import type { Summary } from '../device/summary.js';

/** What balena and the records know of one device; null where they do not know it. */
export interface JoinedDevice {
  uuid: string;
  device: ListedDevice | null;
  record: Summary | null;
}

/**
 * Devices and records side by side, in the order of their uuids. Both come in that order, so that no more than a page of each is
 * in memory, and so that a run can go on from the uuid at which another one ended.
 *
 * @throws Error if one of them is out of order: everything would seem to be missing
 */
export async function* mergeJoin(
  devices: AsyncIterable<ListedDevice>,
  records: AsyncIterable<Summary>,
): AsyncGenerator<JoinedDevice> {
  const left = reader(devices);
  const right = reader(records);
  try {
    let [device, record] = await Promise.all([left.next(), right.next()]);
    while (device || record) {
      const uuid = !device || (record && record.uuid < device.uuid) ? record!.uuid : device.uuid;
      const side = {
        uuid,
        device: device?.uuid === uuid ? device : null,
        record: record?.uuid === uuid ? record : null,
      };
      yield side;
      if (side.device) device = await left.next();
      if (side.record) record = await right.next();
    }
  } finally {
    await Promise.all([left.close(), right.close()]);
  }
}

/** Reads a list one by one; null at its end. */
function reader<T extends { uuid: string }>(items: AsyncIterable<T>) {
  const iterator = items[Symbol.asyncIterator]();
  let last = '';
  return {
    async next(): Promise<T | null> {
      const { done, value } = await iterator.next();
      if (done) return null;
      if (value.uuid <= last) throw new Error(`the list is out of order at ${value.uuid}`);
      last = value.uuid;
      return value;
    },
    close: () => iterator.return?.(),
  };
}
