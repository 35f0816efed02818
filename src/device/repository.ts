import { randomUUID } from 'node:crypto';
import { ProvisioningError } from '../shared/errors.js';
import type { Clock } from '../shared/time.js';
import type { Columns, Key, Row, ScannedTable } from '../storage/table.js';
import type { DeviceRecord } from './record.js';
import { isPending } from './state.js';
import { type Summary, summarize } from './summary.js';

/** The device records: read, written on the ETag that was read, amended. All throw `records-unavailable`. */
export interface Records {
  read(uuid: string): Promise<Row<DeviceRecord> | null>;
  /** @returns false on a conflict: read again. True also if an error hid that the write succeeded */
  write(record: DeviceRecord, etag: string | null): Promise<boolean>;
  /** Read, change, write, and again on a conflict. See `Change`. */
  amend(uuid: string, change: Change): Promise<DeviceRecord | null>;
  /** Records with a live ticket that was due before this Unix ms. */
  overdue(before: number): AsyncIterable<DeviceRecord>;
  /** Reads the whole table in the order of the uuids, a page at a time; the conditions only spare what need not travel. */
  summaries(where?: Where): AsyncIterable<Summary>;
}

/** Which records to list; all of what is named must hold. */
export interface Where {
  /** Given up, or not. */
  dead?: boolean;
  code?: string;
  fleet?: string;
  /** Of the bulk action that last asked for them. */
  action?: string;
  /** Only uuids greater than this one. */
  after?: string;
  /** Written at or after this Unix ms, by the clock of who wrote it. */
  changedSince?: number;
}

/**
 * Gets a copy of the record, or null if there is none; returns what to write (the changed copy), or null to write nothing.
 * `amend` returns what was written, or null if nothing was.
 */
export type Change = (record: DeviceRecord | null) => DeviceRecord | null;

/** Enough for any real contention on one device; past it something is wrong, and the caller's back-off is the better wait. */
const mostConflicts = 50;

export function openRecords(table: ScannedTable<DeviceRecord>, clock: Clock): Records {
  const read = (uuid: string) => table.get(keyOf(uuid));

  async function write(record: DeviceRecord, etag: string | null): Promise<boolean> {
    const stamp = randomUUID();
    const written = { ...record, stamp, updatedAt: clock.now() };
    try {
      if (await table.put(keyOf(record.uuid), written, etag, columnsOf(written))) return true;
    } catch (error) {
      const stored = await read(record.uuid);
      if (stored?.value.stamp === stamp) return true;
      // Unchanged means that it did not happen yet, and not that it will not.
      throw error;
    }
    // The tables client repeats requests by itself: the conflict can be with one's own write.
    return (await read(record.uuid))?.value.stamp === stamp;
  }

  async function amend(uuid: string, change: Change): Promise<DeviceRecord | null> {
    for (let tries = 0; tries < mostConflicts; tries += 1) {
      const found = await read(uuid);
      const changed = change(found && structuredClone(found.value));
      if (changed === null) return null;
      if (await write(changed, found?.etag ?? null)) return changed;
    }
    throw new ProvisioningError(
      'records-unavailable',
      'The record is being changed too often to be amended.',
    );
  }

  async function* summaries(where: Where = {}): AsyncIterable<Summary> {
    for await (const text of table.column('summary', filterOf(where))) {
      const summary = JSON.parse(text) as Summary;
      if (where.after === undefined || summary.uuid > where.after) yield summary;
    }
  }

  return {
    read,
    write,
    amend,
    overdue: (before) => table.list(`owed eq true and due lt ${before}L`),
    summaries,
  };
}

/** 256 partitions: enough for all the operations that a storage account allows, few enough to scan one by one. */
function keyOf(uuid: string): Key {
  return { partition: uuid.slice(0, 2), row: uuid };
}

/** What the timer and ops filter by; the record itself is the JSON beside it. */
function columnsOf(record: DeviceRecord): Columns {
  const { job, observed, error, action } = record;
  return {
    changed: record.updatedAt,
    owed: isPending(job),
    dead: job?.dead !== undefined,
    due: job?.due ?? 0,
    code: error?.code ?? '',
    fleet: observed.fleet ?? '',
    action: action?.id ?? '',
    summary: JSON.stringify(summarize(record)),
  };
}

/** An OData filter. A quote in a text is doubled, and so cannot end it. */
function filterOf({ changedSince, after, ...equal }: Where): string | undefined {
  const conditions = Object.entries(equal)
    .filter(([, value]) => value !== undefined)
    .map(
      ([name, value]) =>
        `${name} eq ${typeof value === 'string' ? `'${value.replaceAll("'", "''")}'` : value}`,
    );
  if (changedSince !== undefined) conditions.push(`changed ge ${Math.floor(changedSince)}L`);
  // Its partition, and those behind.
  if (after !== undefined) conditions.push(`PartitionKey ge '${keyOf(after).partition}'`);
  return conditions.length > 0 ? conditions.join(' and ') : undefined;
}
