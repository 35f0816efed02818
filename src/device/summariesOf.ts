import pLimit from 'p-limit';
import { NewerRow } from '../storage/format.js';
import type { Row } from '../storage/table.js';
import type { DeviceRecord } from './record.js';
import { type Summary, summarize } from './summary.js';

const readsAtATime = 50;
/** Up to this number in one partition, records are read one by one. For more records, one scan of a range of the partition costs less. */
const fewInPartition = 8;

/** How the records are read. */
export interface SummariesOfDependencies {
  read(uuid: string): Promise<Row<DeviceRecord> | null>;
  /** Reads the summaries from one uuid to another one of the same partition, both included. */
  range(first: string, last: string): AsyncIterable<Summary>;
}

/**
 * Reads the summaries of some records. The costs grow with the number of the uuids, up to the costs of one scan of all records.
 *
 * @param uuids a device without a record is left out; the order of the summaries is another one
 * @throws ProvisioningError `records-unavailable`
 */
export async function summariesOf(
  { read, range }: SummariesOfDependencies,
  uuids: Iterable<string>,
): Promise<Summary[]> {
  const limit = pLimit(readsAtATime);
  const groups = Map.groupBy([...new Set(uuids)], (uuid) => uuid.slice(0, 2));
  const readOne = async (uuid: string) => {
    try {
      const found = await read(uuid);
      return found ? [summarize(found.value)] : [];
    } catch (error) {
      // The summary of a record of a newer version is readable.
      if (error instanceof NewerRow) return readRange([uuid]);
      throw error;
    }
  };
  const readRange = async (wanted: readonly string[]) => {
    const sorted = wanted.toSorted();
    const isWanted = new Set(sorted);
    const found: Summary[] = [];
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
