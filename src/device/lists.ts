import type { EpochMs } from '../shared/time.js';
import type { ErasableTable, Row } from '../storage/table.js';

/*
 * The lists (docs/protocol.md, "The lists"): rows beside the records, so that a timer reads only the devices that the timer has to
 * handle. A row is written before the record that needs the row, and removed after the record that does not need the row any more.
 */

/**
 * The lists of devices.
 *
 * - `pending`: a job or a check is pending. The time is the time at which the work is due.
 * - `dead`: the present request or the refused request has a dead job. The time is 0.
 * - `check-failed`, `outside`: the device may need an operator, see `attentionOf`. The time is 0.
 * - `care`: the device has a certificate. The time is the time of the renewal, or of the next verification at the hub if that is earlier.
 * - `expiring`: the device has a certificate. The time is its expiry.
 * - `removal`: the record is not needed any more. The time is the time of the removal.
 */
export const listNames = [
  'pending',
  'dead',
  'check-failed',
  'outside',
  'care',
  'expiring',
  'removal',
] as const;
export type ListName = (typeof listNames)[number];

/** The lists whose rows all have the time 0. */
export const untimedLists = ['dead', 'check-failed', 'outside'] as const satisfies ListName[];
export type UntimedList = (typeof untimedLists)[number];

/** The lists that a record needs, each with a time (Unix ms). The row of a list must not have a later time. */
export type ListTimes = Partial<Record<ListName, EpochMs>>;

/** The row of a record in a list. */
export interface Place {
  /** The random part of the row's key. A removed row never comes back under the same key. */
  readonly row: string;
  /** The time that the record needs. The row has this time, or an earlier time. */
  readonly at: EpochMs;
}

/** The rows of a record, by list. */
export type Places = Readonly<Partial<Record<ListName, Place>>>;

/** A row of a list. */
export interface ListedDevice {
  list: ListName;
  uuid: string;
  /** As in `Place`. */
  row: string;
  at: EpochMs;
  /** The time of the writing, by the clock of the writing process. */
  listedAt: EpochMs;
}

/** The places of the next version of a record, and the rows to write before and to remove after the write of the record. */
export interface NextPlaces {
  places: Places;
  added: Omit<ListedDevice, 'listedAt'>[];
  dropped: Omit<ListedDevice, 'listedAt'>[];
}

/** The lists whose rows have the exact time: a renewed certificate gets a new row. */
const exactLists: readonly ListName[] = ['expiring'];

/**
 * The places of the next version of a record. A row stays as long as its time is early enough. A record that needs an earlier time than
 * before gets a new row.
 *
 * @param before the places of the version that was read
 * @param times the lists that the next version needs
 * @param row a random text, new with every write
 */
export function nextPlaces(uuid: string, before: Places, times: ListTimes, row: string): NextPlaces {
  const next: NextPlaces = { places: {}, added: [], dropped: [] };
  const places: { -readonly [Name in ListName]?: Place } = {};
  for (const list of listNames) {
    const at = times[list];
    const place = before[list];
    const isEarly = at !== undefined && place !== undefined && place.at <= at;
    const stays = isEarly && (place.at === at || !exactLists.includes(list));
    if (at !== undefined) places[list] = { row: stays ? place.row : row, at };
    if (at !== undefined && !stays) next.added.push({ list, uuid, row, at });
    if (place && !stays) next.dropped.push({ list, uuid, ...place });
  }
  return { ...next, places };
}

/** Reads and writes the rows of the lists. All methods throw `records-unavailable`. */
export interface Lists {
  add(device: Omit<ListedDevice, 'listedAt'>): Promise<void>;
  /** Removes a row. A missing row is no error. */
  remove(device: Pick<ListedDevice, 'list' | 'uuid' | 'row' | 'at'>): Promise<void>;
  /** Reads the rows of a list, a page at a time. @param before only the rows with an earlier time; default: all rows */
  read(list: ListName, before?: EpochMs): AsyncIterable<Row<ListedDevice>>;
  /** Reads the rows of a list without times, for the devices of one partition. @param partition the first two digits of the uuids */
  readPartition(list: UntimedList, partition: string): AsyncIterable<Row<ListedDevice>>;
  /** Gives a row a later time. Another reader may have changed or removed the row: the row then stays as it is. */
  postpone(row: Row<ListedDevice>, at: EpochMs): Promise<void>;
}

/**
 * The beginning of the partitions that hold the rows of a time. The rows of `care`, `expiring` and `removal` are read by the day and the
 * hour, so that the rows of later times cost nothing. The other lists have one group of partitions.
 */
function bucketOf(list: ListName, at: EpochMs): string {
  const iso = new Date(at).toISOString();
  if (list === 'care' || list === 'expiring') return `${list}-${iso.slice(0, 'YYYY-MM-DD'.length)}`;
  if (list === 'removal') return `removal-${iso.slice(0, 'YYYY-MM-DDTHH'.length)}`;
  return list;
}

/** The partitions of a list are spread by the first two digits of the uuid, as the partitions of the records. */
const keyOf = ({ list, uuid, row, at }: Pick<ListedDevice, 'list' | 'uuid' | 'row' | 'at'>) => ({
  partition: `${bucketOf(list, at)}-${uuid.slice(0, 2)}`,
  row: `${uuid}.${row}`,
});

/** Opens the lists. @param table stores one row for each device and list */
export function openLists(table: ErasableTable<ListedDevice>, now: () => EpochMs): Lists {
  const add = async (device: Omit<ListedDevice, 'listedAt'>) => {
    // A row under the same key is the result of an earlier try of the same write.
    await table.put(keyOf(device), { ...device, listedAt: now() }, null, { at: device.at });
  };
  return {
    add,
    async remove(device) {
      await table.remove(keyOf(device));
    },
    read(list, before) {
      // A dot is the character after the hyphen.
      const range = `PartitionKey ge '${list}-' and PartitionKey lt '`;
      if (before === undefined) return table.rows(`${range}${list}.'`);
      return table.rows(`${range}${bucketOf(list, before)}.' and at lt ${Math.ceil(before)}L`);
    },
    readPartition: (list, partition) => table.rows(`PartitionKey eq '${list}-${partition}'`),
    async postpone({ value, etag }, at) {
      const { partition, row } = keyOf(value);
      const next = { ...value, at };
      if (keyOf(next).partition === partition) {
        await table.put({ partition, row }, next, etag, { at });
        return;
      }
      await add(next);
      await table.remove({ partition, row });
    },
  };
}
