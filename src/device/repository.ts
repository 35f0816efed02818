import { randomUUID } from 'node:crypto';
import type { Clock, EpochMs } from '../shared/time.js';
import { optimisticUpdate, putStamped } from '../storage/optimisticUpdate.js';
import type { Columns, Key, Row, ScannedTable } from '../storage/table.js';
import type { DeviceRecord } from './record.js';
import { refusedPart } from './refusal.js';
import { type Attention, attentionOf, attentions, pendingWork } from './state.js';
import { type Summary, summarize } from './summary.js';

/** The device records. All methods throw `records-unavailable`. */
export interface Records {
  /** @returns null if the device has no record */
  read(uuid: string): Promise<Row<DeviceRecord> | null>;
  /**
   * Writes a record on the ETag of its reading. The stored record has a new `updatedAt` and `stamp`.
   *
   * @param etag null for a new record
   * @returns false on a conflict; true also if an error or a conflict hid the success of the write
   */
  write(record: DeviceRecord, etag: string | null): Promise<boolean>;
  /** Reads, changes and writes a record, and starts over on a conflict. See `Change`. */
  amend(uuid: string, change: Change): Promise<DeviceRecord | null>;
  /** Reads the records with pending work that was due before this moment. */
  listOverdue(before: EpochMs): AsyncIterable<DeviceRecord>;
  /** Counts the devices that may need an operator. A scan on the server, with one short text for each such device. */
  countAttention(): Promise<Record<Attention, number>>;
  /** Reads the summaries of all matching records in the order of the uuids, a page at a time. */
  summaries(where?: Where): AsyncIterable<Summary>;
}

/** A filter for records. A record must meet all given conditions. */
export interface Where {
  /** Whether the record has a dead job: of its present request, or of a refused request. */
  dead?: boolean;
  code?: string;
  fleet?: string;
  /** The bulk action that last changed the record. */
  action?: string;
  /** The bulk action that requested the refused request. */
  refusedAction?: string;
  /** Only uuids greater than this one. */
  after?: string;
  /** Only uuids with these first digits, at least two. The filter reads one range of one partition. */
  startsWith?: string;
  /** Only records written at or after this moment, by the clock of the writing process. */
  changedSince?: EpochMs;
}

/**
 * Gets the record, or null if there is none. Returns the record to write, or null to write nothing. `amend` returns the stored
 * record, or null if nothing was written.
 */
export type Change = (record: DeviceRecord | null) => DeviceRecord | null;

/** Real contention on one device causes far fewer conflicts. After more conflicts, the caller's back-off is the better wait. */
const mostConflicts = 50;

/** Opens the device records. @param table stores one row for each device */
export function openRecords(table: ScannedTable<DeviceRecord>, clock: Clock): Records {
  const read = (uuid: string) => table.get(keyOf(uuid));

  /** @returns the stored record; null on a conflict */
  async function put(record: DeviceRecord, etag: string | null): Promise<DeviceRecord | null> {
    const stored = { ...record, updatedAt: clock.now(), stamp: randomUUID() };
    const isStored = await putStamped(table, keyOf(record.uuid), stored, etag, columnsOf(stored));
    return isStored ? stored : null;
  }

  async function amend(uuid: string, change: Change): Promise<DeviceRecord | null> {
    let stored: DeviceRecord | null = null;
    await optimisticUpdate({
      name: 'The record',
      mostConflicts,
      read: async () => (await read(uuid)) ?? { value: null, etag: null },
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

  async function countAttention(): Promise<Record<Attention, number>> {
    const counts = Object.fromEntries(attentions.map((each) => [each, 0])) as Record<Attention, number>;
    // Every reason is greater than the empty text.
    for await (const reason of table.column('attention', "attention ge 'a'"))
      counts[reason as Attention] += 1;
    return counts;
  }

  return {
    read,
    countAttention,
    write: async (record, etag) => (await put(record, etag)) !== null,
    amend,
    listOverdue: (before) => table.list(`pending eq true and due lt ${before}L`),
    summaries,
  };
}

/** 256 partitions are enough for the full rate of a storage account, and few enough to scan one after the other. */
function keyOf(uuid: string): Key {
  return { partition: uuid.slice(0, 2), row: uuid };
}

/** The columns that timers and operators filter by. The record itself is the JSON beside the columns. */
function columnsOf(record: DeviceRecord): Columns {
  const { job, observed, error, action } = record;
  const refused = refusedPart(record);
  const work = pendingWork(record);
  return {
    changed: record.updatedAt,
    pending: work !== null,
    dead: job?.dead !== undefined || refused !== null,
    due: (work ?? job)?.due ?? 0,
    code: error?.code ?? '',
    fleet: observed.fleet ?? '',
    action: action?.id ?? '',
    refusedAction: refused?.action?.id ?? '',
    attention: attentionOf(record) ?? '',
    summary: JSON.stringify(summarize(record)),
  };
}

/** A text in an OData filter. A quote in the text is doubled, so that the quote cannot end the text. */
const literal = (text: string) => `'${text.replaceAll("'", "''")}'`;

function filterOf({ changedSince, after, startsWith, ...equal }: Where): string | undefined {
  const conditions = Object.entries(equal)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name} eq ${typeof value === 'string' ? literal(value) : value}`);
  if (changedSince !== undefined) conditions.push(`changed ge ${Math.floor(changedSince)}L`);
  if (startsWith !== undefined)
    conditions.push(
      `PartitionKey eq ${literal(keyOf(startsWith).partition)}`,
      `RowKey ge ${literal(startsWith)}`,
      // A uuid has no digit above f.
      `RowKey lt ${literal(`${startsWith}g`)}`,
    );
  // The filter skips whole partitions only. `summaries` skips the rest.
  if (after !== undefined) conditions.push(`PartitionKey ge '${keyOf(after).partition}'`);
  return conditions.length > 0 ? conditions.join(' and ') : undefined;
}
