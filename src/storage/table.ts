import { RestError, TableClient } from '@azure/data-tables';
import { ProvisioningError } from '../shared/errors.js';
import { openAgent, retireAgent, useAgent } from '../shared/httpAgent.js';
import { managedIdentity } from '../shared/managedIdentity.js';
import { openRenewable } from '../shared/renewable.js';
import { decodeIfReadable, decodeRow, encodeRow } from './format.js';
import type { NoteDate } from './serverClock.js';
import { unreachable } from './unreachable.js';

/** A stored value and its version. */
export interface Row<T> {
  value: T;
  etag: string;
}

/** Columns beside the value, for filters. Numbers are integers, with the type Int64 in a filter: `due lt 5L`. */
export type Columns = Record<string, string | number | boolean>;

/** The key of a row. */
export interface Key {
  partition: string;
  row: string;
}

/**
 * A table of JSON values with optimistic concurrency. Every call has a deadline and throws `records-unavailable`. Rows of a newer version
 * of this program count as unreachable, and lists leave them out.
 */
export interface Table<T> {
  get(key: Key): Promise<Row<T> | null>;
  /**
   * Writes the whole row if the row is unchanged. After an error, the write may have happened, or may still arrive later.
   *
   * @param etag the version as it was read; null if there must be no row
   * @returns false on a conflict
   * @throws ProvisioningError also `record-too-large`, if the table refuses the row for its size
   */
  put(key: Key, value: T, etag: string | null, columns?: Columns): Promise<boolean>;
  /** Reads all rows that match the OData filter, a page at a time. Without a filter, reads all rows. */
  list(filter?: string): AsyncIterable<T>;
}

/** A table whose columns can be read without the values. */
export interface ScannedTable<T> extends Table<T> {
  /** Reads one text column of all rows that match the OData filter, a page at a time. */
  column(name: string, filter?: string): AsyncIterable<string>;
}

/** A table whose rows can be removed. */
export interface ErasableTable<T> extends Table<T> {
  /**
   * Removes a row. A missing row is no error.
   *
   * @param etag removes only this version of the row; default: any version
   * @returns false if the row has another version
   */
  remove(key: Key, etag?: string): Promise<boolean>;
  /** Reads all rows that match the OData filter with their versions, a page at a time. */
  rows(filter?: string): AsyncIterable<Row<T>>;
}

/** The table and its connection. */
export interface TableOptions {
  /** A connection string, or the account's name with managed identity. */
  connection: { connectionString: string } | { accountName: string };
  name: string;
  /** The longest time for one call, ms. The time includes the retries of the client. */
  callTimeoutMs?: number;
  /**
   * The longest time for one page of a scan, ms. Azure Tables searches for up to five seconds, and then returns the rows found so far
   * (possibly none) with a continuation token. The whole request takes up to 30 s (documented in "Query timeout and pagination").
   */
  pageTimeoutMs?: number;
  /** Gets the time of the service with each answer. */
  noteDate?: NoteDate;
}

interface Entity {
  json: string;
}

/**
 * Opens a table of an Azure storage account. The first call creates the table. The client repeats a request up to twice after a 5xx or a
 * reset. A conditional write can then meet its own result as a conflict, see `putStamped`.
 */
export function openTable<T>(options: TableOptions): ErasableTable<T> & ScannedTable<T> {
  const { call } = connect(options);
  const { pageTimeoutMs = 35_000 } = options;

  async function* scan<N extends string>(
    column: N,
    filter: string | undefined,
  ): AsyncIterable<Record<N, string> & { etag: string }> {
    let continuationToken: string | undefined;
    do {
      // Each page has a deadline of its own, because the whole scan may take long.
      const page = await call(
        (client, abortSignal) =>
          client
            .listEntities<Record<N, string>>({
              abortSignal,
              queryOptions: { select: [column], ...(filter !== undefined && { filter }) },
            })
            .byPage({ maxPageSize: 1_000, ...(continuationToken && { continuationToken }) })
            .next(),
        pageTimeoutMs,
      );
      if (page.done) return;
      yield* page.value;
      continuationToken = page.value.continuationToken;
    } while (continuationToken);
  }

  return {
    get: ({ partition, row }) =>
      unless([404], null, async () => {
        const entity = await call((client, abortSignal) =>
          client.getEntity<Entity>(partition, row, { abortSignal }),
        );
        return { value: decodeRow<T>(entity.json), etag: entity.etag };
      }),
    put: ({ partition, row }, value, etag, columns = {}) =>
      unless([404, 409, 412], false, async () => {
        const entity = {
          ...typed(columns),
          partitionKey: partition,
          rowKey: row,
          json: encodeRow(value as object),
        };
        await call<unknown>((client, abortSignal) =>
          etag === null
            ? client.createEntity(entity, { abortSignal })
            : client.updateEntity(entity, 'Replace', { etag, abortSignal }),
        );
        return true;
      }),
    async *list(filter) {
      for await (const { json } of scan<'json'>('json', filter)) {
        const value = decodeIfReadable<T>(json);
        if (value !== null) yield value;
      }
    },
    async *column(name, filter) {
      for await (const entity of scan(name, filter)) yield entity[name] ?? '';
    },
    async *rows(filter) {
      for await (const { json, etag } of scan<'json'>('json', filter)) {
        const value = decodeIfReadable<T>(json);
        if (value !== null) yield { value, etag };
      }
    },
    remove: ({ partition, row }, etag = '*') =>
      unless([412], false, () =>
        unless([404], true, async () => {
          await call((client, abortSignal) => client.deleteEntity(partition, row, { etag, abortSignal }));
          return true;
        }),
      ),
  };
}

/**
 * Opens the connections to one table. `call` runs a call with a deadline (ms), creates the table before the first call, and throws
 * `records-unavailable`, or RestError for a conflict or a missing row. A call without an answer is made again over new connections.
 */
function connect({ connection, name, callTimeoutMs = 5_000, noteDate }: TableOptions) {
  const connections = openRenewable(
    () => {
      const client = createClient(connection, name);
      const agent = openAgent(client.url.startsWith('https:'));
      useAgent(client, agent);
      if (noteDate) noteDates(client, noteDate);
      return { client, agent, created: undefined as Promise<void> | undefined };
    },
    ({ agent }) => retireAgent(agent),
  );

  async function call<R>(
    run: (client: TableClient, abortSignal: AbortSignal) => Promise<R>,
    timeoutMs = callTimeoutMs,
  ): Promise<R> {
    let isCreated = false;
    try {
      return await connections.call(timeoutMs, async (connection, abortSignal) => {
        try {
          isCreated = false;
          connection.created ??= connection.client.createTable({ abortSignal });
          await connection.created;
          isCreated = true;
          return await run(connection.client, abortSignal);
        } catch (error) {
          // The table may be missing. The next call creates the table again.
          if (!isCreated || !isRowError(error)) connection.created = undefined;
          throw error;
        }
      });
    } catch (error) {
      if (isCreated && isRowError(error)) throw error;
      const refusal = refusalCodeOf(error);
      if (refusal !== null)
        throw new ProvisioningError('record-too-large', `The table refuses the row (${refusal}).`);
      const message = unreachable(error, error instanceof RestError ? codeOf(error) : undefined);
      throw new ProvisioningError('records-unavailable', message, { outcomeUnknown: true, cause: error });
    }
  }

  return { call };
}

/** Hands over the header `Date` of each answer. Each try of a request has its own times. */
function noteDates({ pipeline }: TableClient, noteDate: NoteDate): void {
  const policy: Parameters<typeof pipeline.addPolicy>[0] = {
    name: 'noteDate',
    async sendRequest(request, next) {
      const sentAt = Date.now();
      const response = await next(request);
      const date = Date.parse(response.headers.get('date') ?? '');
      if (!Number.isNaN(date)) noteDate(date, sentAt, Date.now());
      return response;
    },
  };
  pipeline.addPolicy(policy, { afterPhase: 'Retry' });
}

function createClient(connection: TableOptions['connection'], name: string): TableClient {
  const options = { retryOptions: { maxRetries: 2, retryDelayInMs: 100, maxRetryDelayInMs: 1_000 } };
  if ('connectionString' in connection)
    return TableClient.fromConnectionString(connection.connectionString, name, {
      ...options,
      allowInsecureConnection: true,
    });
  return new TableClient(urlOf(connection), name, managedIdentity, options);
}

/** Runs a call. If the call fails with one of these HTTP statuses, the result is `other`. */
async function unless<R, O>(statuses: number[], other: O, run: () => Promise<R>): Promise<R | O> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof RestError && statuses.includes(error.statusCode ?? 0)) return other;
    throw error;
  }
}

const urlOf = ({ accountName }: { accountName: string }) => `https://${accountName}.table.core.windows.net`;

/** The URL of the account's tables. */
export function tableUrl(connection: TableOptions['connection']): string {
  if (!('connectionString' in connection)) return urlOf(connection);
  return TableClient.fromConnectionString(connection.connectionString, 'any').url;
}

/** Gives all numbers the type Int64. By default the client chooses Int32 or Double by size, and filters never match values of another type. */
function typed(columns: Columns) {
  const typedValue = (value: Columns[string]) =>
    typeof value === 'number' ? ({ type: 'Int64', value: String(Math.round(value)) } as const) : value;
  return Object.fromEntries(Object.entries(columns).map(([name, value]) => [name, typedValue(value)]));
}

/**
 * Whether the error is a conflict or a missing row. A missing table and a table under deletion have codes of their own. A response
 * without a code comes from another server.
 */
function isRowError(error: unknown): error is RestError {
  if (!(error instanceof RestError)) return false;
  const { statusCode } = error;
  const code = codeOf(error);
  if (code === undefined || code.startsWith('Table')) return false;
  return statusCode === 404 || statusCode === 409 || statusCode === 412;
}

/** The code of a refusal for the size of a row; null for every other error. No later write of the same row can succeed. */
function refusalCodeOf(error: unknown): string | null {
  if (!(error instanceof RestError)) return null;
  const code = codeOf(error) ?? '';
  const isRefusal = (error.statusCode === 400 && tooLarge.has(code)) || error.statusCode === 413;
  return isRefusal ? `HTTP ${error.statusCode} ${code}`.trim() : null;
}

/** A property has at most 64 KiB in UTF-16, a row at most 1 MiB, and a request at most 4 MiB. */
const tooLarge = new Set(['PropertyValueTooLarge', 'EntityTooLarge', 'RequestBodyTooLarge']);

function codeOf({ details }: RestError): string | undefined {
  return ((details ?? {}) as { odataError?: { code?: string } }).odataError?.code;
}
