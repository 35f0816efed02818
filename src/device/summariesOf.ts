import pLimit from 'p-limit';
import { NewerRow } from '../storage/format.js';
import type { Row } from '../storage/table.js';
import type { DeviceRecord } from './record.js';

const readsAtATime = 50;
/** Up to this number in one partition, records are read one by one. For more records, one scan of a range of the partition costs less. */
const fewInPartition = 8;

/** How the records are read: as their summaries, or as their entries in the operators' index. */
export interface SummariesOfDependencies<T> {
  read(uuid: string): Promise<Row<DeviceRecord> | null>;
  of(record: DeviceRecord): T;
  /** Reads the summaries from one uuid to another one of the same partition, both included. */
  range(first: string, last: string): AsyncIterable<T>;
}

/**
 * Reads the summaries of some records. The costs grow with the number of the uuids, up to the costs of one scan of all records.
 *
 * @param uuids a device without a record is left out; the order of the summaries is another one
 * @throws ProvisioningError `records-unavailable`
 */
export async function summariesOf<T extends { uuid: string }>(
  { read, of, range }: SummariesOfDependencies<T>,
  uuids: Iterable<string>,
): Promise<T[]> {
  const limit = pLimit(readsAtATime);
  const groups = Map.groupBy([...new Set(uuids)], (uuid) => uuid.slice(0, 2));
  const readOne = async (uuid: string) => {
    try {
      const found = await read(uuid);
      return found ? [of(found.value)] : [];
    } catch (error) {
      // The summary of a record of a newer version is readable.
      if (error instanceof NewerRow) return readRange([uuid]);
      throw error;
    }
  };
  const readRange = async (wanted: readonly string[]) => {
    const sorted = wanted.toSorted();
    const isWanted = new Set(sorted);
    const found: T[] = [];
    for await (const summary of range(sorted[0]!, sorted.at(-1)!))
      if (isWanted.has(summary.uuid)) found.push(summary);
    return found;
  };
  const readings = [...groups.values()].flatMap((group) =>
    group.length > fewInPartition
      ? [limit(() => readRange(group))]
      : group.map((uuid) => limit(() => readOne(uuid))),
  );
  return (await Promise.all(readings)).flat();
}
