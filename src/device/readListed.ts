import type { Clock, EpochMs } from '../shared/time.js';
import { NewerRow } from '../storage/format.js';
import type { Row } from '../storage/table.js';
import type { ListedDevice, ListName, Lists } from './lists.js';
import type { DeviceRecord } from './record.js';

/** Everything that reading a list uses. */
export interface ReadListedDependencies {
  lists: Lists;
  clock: Clock;
  read(uuid: string): Promise<Row<DeviceRecord> | null>;
}

const readsAtATime = 50;
/**
 * A writer writes the row of a list first, and the record within minutes afterwards. A row that no record names after this time was left
 * by a process that has died, or by a write that met a conflict.
 */
const abandonedAfterMs = 3_600_000;
/** The writer of a new record reads no version that a conflict could show to be old, so the writer gets more time. */
const abandonedWithoutRecordMs = 24 * 3_600_000;

/**
 * Reads the records of a list. The reader keeps the list short: a row that no record names is removed after a while, and a row gets the later
 * time of its record.
 *
 * @param before only the records with an earlier time; default: all records
 * @throws ProvisioningError `records-unavailable`
 */
export async function* readListed(
  deps: ReadListedDependencies,
  list: ListName,
  before?: EpochMs,
): AsyncIterable<Row<DeviceRecord>> {
  let rows: Row<ListedDevice>[] = [];
  for await (const row of deps.lists.read(list, before)) {
    if (rows.push(row) < readsAtATime) continue;
    yield* await readAll(deps, rows, before);
    rows = [];
  }
  yield* await readAll(deps, rows, before);
}

async function readAll(
  deps: ReadListedDependencies,
  rows: readonly Row<ListedDevice>[],
  before: EpochMs | undefined,
): Promise<Row<DeviceRecord>[]> {
  const found = await Promise.all(rows.map((row) => readListedRow(deps, row, before)));
  return found.filter((each) => each !== null);
}

/**
 * Reads the record of a row, and keeps the list short as `readListed` does.
 *
 * @returns null if the record is not in the list, has a later time, or is of a newer version of this program
 * @throws ProvisioningError `records-unavailable`
 */
export async function readListedRow(
  { read, lists, clock }: ReadListedDependencies,
  row: Row<ListedDevice>,
  before?: EpochMs,
): Promise<Row<DeviceRecord> | null> {
  const { uuid, list, row: name, listedAt } = row.value;
  const found = await read(uuid).catch((error: unknown) => {
    if (error instanceof NewerRow) return 'newer' as const;
    throw error;
  });
  // The newer version of this program handles its records, and their rows.
  if (found === 'newer') return null;
  const place = found?.value.listed?.[list];
  if (found && place?.row === name) {
    if (before === undefined || place.at < before) return found;
    // The record has named this row, with this time or an earlier one, ever since the row was written.
    await lists.postpone(row, place.at);
    return null;
  }
  const age = clock.now() - listedAt;
  if (age > (found ? abandonedAfterMs : abandonedWithoutRecordMs)) await lists.remove(row.value);
  return null;
}
