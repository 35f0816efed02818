import { randomUUID } from 'node:crypto';
import { ProvisioningError } from '../shared/errors.js';
import type { Clock, EpochMs } from '../shared/time.js';
import { openTurns } from '../shared/turns.js';
import { optimisticUpdate, putStamped, type Reading } from '../storage/optimisticUpdate.js';
import type { Columns, ErasableTable, Key, Row, ScannedTable } from '../storage/table.js';
import { type IndexEntry, indexEntryOf, readIndexEntry, writeIndexEntry } from './indexEntry.js';
import {
  type ListedDevice,
  type ListName,
  type ListTimes,
  nextPlaces,
  openLists,
  type Places,
  untimedLists,
} from './lists.js';
import { readListed, readListedRow } from './readListed.js';
import type { DeviceRecord } from './record.js';
import { summariesOf } from './summariesOf.js';
import { type Summary, summarize } from './summary.js';

/** The device records. All methods throw `records-unavailable`. */
export interface Records {
  /** @returns null if the device has no record */
  read(uuid: string): Promise<Row<DeviceRecord> | null>;
  /**
   * Writes a record on the ETag of its reading. The stored record has a new `updatedAt` and `stamp`. The rows that the record needs in the
   * lists are written before, and the rows that the record does not need any more are removed afterwards.
   *
   * @param etag null for a new record
   * @returns false on a conflict; true also if an error or a conflict hid the success of the write
   */
  write(record: DeviceRecord, etag: string | null): Promise<boolean>;
  /** Reads, changes and writes a record, and starts over on a conflict. See `Change`. */
  amend(uuid: string, change: Change): Promise<DeviceRecord | null>;
  /** Removes a record in the version that was read. @returns false on a conflict */
  remove(found: Row<DeviceRecord>): Promise<boolean>;
  /**
   * Reads the records of a list. The costs grow with the number of these records, and not with the number of all records.
   *
   * @param before only the records with an earlier time; default: all records
   */
  listed(list: ListName, before?: EpochMs): AsyncIterable<Row<DeviceRecord>>;
  /** Counts the rows of a list. A process that has died may have left a few rows too many. */
  countListed(list: ListName): Promise<number>;
  /**
   * Writes the missing rows of the lists for the records of one partition, and removes rows that no record names. The protocol loses no row,
   * but an operator may restore a record from a backup.
   *
   * @param partition the first two digits of the uuids
   */
  repairLists(partition: string): Promise<void>;
  /** Reads the summaries of a list's records, and possibly of a few other records. */
  listedSummaries(list: ListName): Promise<Summary[]>;
  /** As `listedSummaries`, with the part of a summary that the operators' index needs. @param before only rows with an earlier time */
  listedEntries(list: ListName, before?: EpochMs): Promise<IndexEntry[]>;
  /** Reads the summaries of these devices, in any order. A device without a record is left out. */
  summariesOf(uuids: Iterable<string>): Promise<Summary[]>;
  /** Reads the summaries of all matching records in the order of the uuids, a page at a time. */
  summaries(where?: Where): AsyncIterable<Summary>;
  /** As `summaries`, with the part of a summary that the operators' index needs. */
  indexEntries(where?: Pick<Where, 'startsWith' | 'changedSince'>): AsyncIterable<IndexEntry>;
}

/** A filter for records. A record must meet all given conditions. */
export interface Where {
  /** Only uuids greater than this one. */
  after?: string;
  /** Only uuids with these first digits, at least one. With two digits or more, the filter reads one range of one partition. */
  startsWith?: string;
  /** Only records written at or after this moment, by the clock of the writing process. */
  changedSince?: EpochMs;
}

/** The tables, the clock, and the lists that a record needs. */
export interface RecordsOptions {
  /** Stores one row for each device. */
  table: ScannedTable<DeviceRecord> & ErasableTable<DeviceRecord>;
  /** Stores one row for each device and list. */
  lists: ErasableTable<ListedDevice>;
  clock: Clock;
  timesOf(record: DeviceRecord): ListTimes;
}

/**
 * Gets the record, or null if there is none. Returns the record to write, or null to write nothing. `amend` returns the stored
 * record, or null if nothing was written.
 */
export type Change = (record: DeviceRecord | null) => DeviceRecord | null;

/** Real contention on one device causes far fewer conflicts. After more conflicts, the caller's back-off is the better wait. */
const mostConflicts = 50;

/**
 * The most changes of one device that wait in one process. The three functions that accept requests have at most 50 under way each
 * (src/http/requestLimit.ts), so the first requests of a device are never refused for their number.
 */
const mostInTurn = 150;
const tooManyChanges = () =>
  new ProvisioningError('records-unavailable', 'Too many requests change the record at the same time.');

/** Opens the device records. */
export function openRecords({ table, lists: listTable, clock, timesOf }: RecordsOptions): Records {
  const read = (uuid: string) => table.get(keyOf(uuid));
  const turns = openTurns(mostInTurn, tooManyChanges);
  const lists = openLists(listTable, () => clock.now());
  // A row that is left behind is removed by its reader.
  const drop = (rows: readonly Omit<ListedDevice, 'listedAt'>[]) =>
    Promise.allSettled(rows.map(lists.remove));

  /**
   * Removes the rows of a version that met a conflict. The version may have been stored nevertheless, and a later version may have taken over
   * its rows. A row that the present version does not name is named by no later version.
   */
  async function dropUnnamed(rows: readonly Omit<ListedDevice, 'listedAt'>[]): Promise<void> {
    const [first] = rows;
    const found = first && (await read(first.uuid));
    if (found) await drop(rows.filter(({ list, row }) => found.value.listed?.[list]?.row !== row));
  }

  /** @returns the stored record; null on a conflict */
  async function put(record: DeviceRecord, etag: string | null): Promise<DeviceRecord | null> {
    const stamp = randomUUID();
    const times = timesOf(record);
    const { places, added, dropped } = nextPlaces(record.uuid, record.listed ?? {}, times, stamp);
    // A record that needs a row must never be without the row, whatever process is killed at whatever time.
    await Promise.all(added.map(lists.add));
    const stored = { ...record, updatedAt: clock.now(), listed: places, stamp };
    if (await putStamped(table, keyOf(record.uuid), stored, etag, columnsOf(stored))) {
      await drop(dropped);
      return stored;
    }
    // A new record has no ETag, and may arrive later.
    if (etag !== null) await dropUnnamed(added).catch(() => {});
    return null;
  }

  const readOrNone = async (uuid: string): Promise<Reading<DeviceRecord | null>> =>
    (await read(uuid)) ?? { value: null, etag: null };

  /**
   * In one process, the changes of a device take turns: simultaneous changes would meet a conflict each time, and read again. A caller who
   * changes nothing needs no turn, so repeated requests of others keep no change waiting.
   */
  async function amend(uuid: string, change: Change): Promise<DeviceRecord | null> {
    const { value, etag } = await readOrNone(uuid);
    const changed = change(structuredClone(value));
    if (changed === null) return null;
    // After a wait, the reading is old.
    const first = turns.isBusy(uuid) ? null : { changed, etag };
    return turns.run(uuid, () => amendNow(uuid, change, first));
  }

  /** @param first the change of a reading that no wait has made old; null: the record is read first */
  async function amendNow(
    uuid: string,
    change: Change,
    first: { changed: DeviceRecord; etag: string | null } | null,
  ): Promise<DeviceRecord | null> {
    let stored = first && (await put(first.changed, first.etag));
    if (stored) return stored;
    await optimisticUpdate({
      name: 'The record',
      mostConflicts,
      read: () => readOrNone(uuid),
      change,
      async write(changed, { etag }) {
        stored = await put(changed, etag);
        return stored !== null;
      },
    });
    return stored;
  }

  async function* summaries(where: Where = {}): AsyncIterable<Summary> {
    for await (const text of table.column('summary', filterOf(where))) {
      const summary = JSON.parse(text) as Summary;
      if (where.after === undefined || summary.uuid > where.after) yield summary;
    }
  }

  /** Reads a column from one uuid to another one of the same partition. */
  async function* range<T>(
    column: 'summary' | 'entry',
    readText: (text: string) => T,
    [first, last]: [string, string],
  ): AsyncIterable<T> {
    const { partition } = keyOf(first);
    // A uuid has no digit above f.
    const filter = `PartitionKey eq '${partition}' and RowKey ge '${first}' and RowKey lt '${last}g'`;
    for await (const text of table.column(column, filter)) yield readText(text);
  }

  const asSummaries = {
    read,
    of: summarize,
    range: (...ends: [string, string]) => range('summary', (text) => JSON.parse(text) as Summary, ends),
  };
  const asEntries = {
    read,
    of: (record: DeviceRecord) => indexEntryOf(summarize(record)),
    range: (...ends: [string, string]) => range('entry', readIndexEntry, ends),
  };

  async function listedUuids(list: ListName, before?: EpochMs): Promise<string[]> {
    const uuids: string[] = [];
    for await (const { value } of lists.read(list, before)) uuids.push(value.uuid);
    return uuids;
  }

  return {
    read,
    write: async (record, etag) => (await put(record, etag)) !== null,
    amend,
    async remove({ value, etag }) {
      const isRemoved = await table.remove(keyOf(value.uuid), etag);
      if (isRemoved) await drop(rowsOf(value.uuid, value.listed));
      return isRemoved;
    },
    listed: (list, before) => readListed({ read, lists, clock }, list, before),
    countListed: async (list) => (await listedUuids(list)).length,
    listedSummaries: async (list) => summariesOf(asSummaries, await listedUuids(list)),
    listedEntries: async (list, before) => summariesOf(asEntries, await listedUuids(list, before)),
    summariesOf: (uuids) => summariesOf(asSummaries, uuids),
    async repairLists(partition) {
      const filter = `PartitionKey eq ${literal(partition)}`;
      for await (const text of table.column('listed', filter)) {
        const { uuid, listed } = JSON.parse(text) as Pick<DeviceRecord, 'uuid' | 'listed'>;
        await Promise.all(rowsOf(uuid, listed).map(lists.add));
      }
      const deps = { read, lists, clock };
      for (const list of untimedLists)
        for await (const row of lists.readPartition(list, partition)) await readListedRow(deps, row);
      // Operators read this list without the records, so nobody else removes the rows that no record names.
      for await (const row of lists.read('expiring', clock.now()))
        if (row.value.uuid.startsWith(partition)) await readListedRow(deps, row);
    },
    summaries,
    async *indexEntries(where = {}) {
      for await (const text of table.column('entry', filterOf(where))) yield readIndexEntry(text);
    },
  };
}

/** 256 partitions are enough for the full rate of a storage account, and few enough to scan one after the other. */
function keyOf(uuid: string): Key {
  return { partition: uuid.slice(0, 2), row: uuid };
}

function rowsOf(uuid: string, places: Places = {}): Omit<ListedDevice, 'listedAt'>[] {
  return (Object.keys(places) as ListName[]).flatMap((list) => {
    const place = places[list];
    return place ? [{ list, uuid, ...place }] : [];
  });
}

/** The columns for scans. The record itself is the JSON beside the columns. */
function columnsOf(record: DeviceRecord): Columns {
  const { uuid, updatedAt, listed } = record;
  const summary = summarize(record);
  return {
    changed: updatedAt,
    listed: JSON.stringify({ uuid, listed }),
    summary: JSON.stringify(summary),
    entry: writeIndexEntry(indexEntryOf(summary)),
  };
}

/** A text in an OData filter. A quote in the text is doubled, so that the quote cannot end the text. */
const literal = (text: string) => `'${text.replaceAll("'", "''")}'`;

function filterOf({ changedSince, after, startsWith }: Where): string | undefined {
  const conditions: string[] = [];
  if (changedSince !== undefined) conditions.push(`changed ge ${Math.floor(changedSince)}L`);
  if (startsWith !== undefined) {
    // A partition has the first two digits of its uuids. A uuid has no digit above f.
    const isRange = startsWith.length < 2;
    const name = isRange ? 'PartitionKey' : 'RowKey';
    if (!isRange) conditions.push(`PartitionKey eq ${literal(keyOf(startsWith).partition)}`);
    conditions.push(`${name} ge ${literal(startsWith)}`, `${name} lt ${literal(`${startsWith}g`)}`);
  }
  // The filter skips whole partitions only. `summaries` skips the rest.
  if (after !== undefined) conditions.push(`PartitionKey ge '${keyOf(after).partition}'`);
  return conditions.length > 0 ? conditions.join(' and ') : undefined;
}
