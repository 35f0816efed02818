import { RestError, TableClient } from '@azure/data-tables';
import { DefaultAzureCredential } from '@azure/identity';
import { ProvisioningError } from '../shared/errors.js';

export interface Row<T> {
  value: T;
  etag: string;
}

/** Columns beside the value, to filter by. Numbers are whole, and are Int64 in a filter: `due lt 5L`. */
export type Columns = Record<string, string | number | boolean>;

export interface Key {
  partition: string;
  row: string;
}

/** A table of JSON values with optimistic concurrency. Every call has a deadline and throws `records-unavailable`. */
export interface Table<T> {
  get(key: Key): Promise<Row<T> | null>;
  /**
   * Writes the whole row, on a condition.
   *
   * @param etag the row as it was read; null: there must be none
   * @returns false if the condition does not hold. After an error the write may have happened, or may still happen
   */
  put(key: Key, value: T, etag: string | null, columns?: Columns): Promise<boolean>;
  /** Reads all rows that match the OData filter, a page at a time. */
  list(filter?: string): AsyncIterable<T>;
}

/** A table that can be read one column at a time. */
export interface ScannedTable<T> extends Table<T> {
  /** As `list`, and only this text column of each row. */
  column(name: string, filter?: string): AsyncIterable<string>;
}

/** A table whose rows can be removed. */
export interface ErasableTable<T> extends Table<T> {
  /** Removes a row, whatever it holds; that it is gone already is fine. */
  remove(key: Key): Promise<void>;
}

export interface TableOptions {
  /** A connection string, or the account's name with managed identity. */
  connection: { connectionString: string } | { accountName: string };
  name: string;
  /** How long one call may take, its repeats by the client included. */
  callTimeoutMs?: number;
  /**
   * How long one page of a scan may take. Tables look for up to five seconds, and then answer with what they have found, which
   * may be nothing, and where to go on; with what comes before it takes up to 30 (documented, "Query timeout and pagination").
   */
  pageTimeoutMs?: number;
}

interface Entity {
  json: string;
}

/**
 * A table of an Azure storage account, made at its first use. Two repeats after 5xx and resets are left to the client:
 * whoever writes conditionally finds its own write as a conflict then, see `writeRecord`.
 */
export function openTable<T>({
  connection,
  name,
  callTimeoutMs = 5_000,
  pageTimeoutMs = 35_000,
}: TableOptions): ErasableTable<T> & ScannedTable<T> {
  const options = { retryOptions: { maxRetries: 2, retryDelayInMs: 100, maxRetryDelayInMs: 1_000 } };
  const client =
    'connectionString' in connection
      ? TableClient.fromConnectionString(connection.connectionString, name, {
          ...options,
          allowInsecureConnection: true,
        })
      : new TableClient(urlOf(connection), name, new DefaultAzureCredential(), options);
  let made: Promise<void> | undefined;

  async function call<R>(
    run: (abortSignal: AbortSignal) => Promise<R>,
    timeoutMs = callTimeoutMs,
  ): Promise<R> {
    const abortSignal = AbortSignal.timeout(timeoutMs);
    let isMade = false;
    try {
      made ??= client.createTable({ abortSignal });
      await made;
      isMade = true;
      return await run(abortSignal);
    } catch (error) {
      if (isMade && error instanceof RestError && isAboutTheRow(error)) throw error;
      // Or it is gone: then the next call makes it anew.
      made = undefined;
      throw new ProvisioningError(
        'records-unavailable',
        `The records cannot be reached (${reason(error)}).`,
        {
          outcomeUnknown: true,
          cause: error,
        },
      );
    }
  }

  async function unless<R, O>(codes: number[], other: O, run: () => Promise<R>): Promise<R | O> {
    try {
      return await run();
    } catch (error) {
      if (error instanceof RestError && codes.includes(error.statusCode ?? 0)) return other;
      throw error;
    }
  }

  async function* scan<N extends string>(
    column: N,
    filter: string | undefined,
  ): AsyncIterable<Record<N, string>> {
    let continuationToken: string | undefined;
    do {
      // A deadline for each page: the scan as a whole may take long.
      const page = await call(
        (abortSignal) =>
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
        const entity = await call((abortSignal) => client.getEntity<Entity>(partition, row, { abortSignal }));
        return { value: JSON.parse(entity.json) as T, etag: entity.etag };
      }),
    put: ({ partition, row }, value, etag, columns = {}) =>
      unless([404, 409, 412], false, async () => {
        const entity = {
          ...typed(columns),
          partitionKey: partition,
          rowKey: row,
          json: JSON.stringify(value),
        };
        await call<unknown>((abortSignal) =>
          etag === null
            ? client.createEntity(entity, { abortSignal })
            : client.updateEntity(entity, 'Replace', { etag, abortSignal }),
        );
        return true;
      }),
    async *list(filter) {
      for await (const { json } of scan<'json'>('json', filter)) yield JSON.parse(json) as T;
    },
    async *column(name, filter) {
      for await (const entity of scan(name, filter)) yield entity[name] ?? '';
    },
    remove: ({ partition, row }) =>
      unless([404], undefined, async () => {
        await call((abortSignal) => client.deleteEntity(partition, row, { abortSignal }));
      }),
  };
}

const urlOf = ({ accountName }: { accountName: string }) => `https://${accountName}.table.core.windows.net`;

/** Where the account's tables are. */
export function tableUrl(connection: TableOptions['connection']): string {
  if (!('connectionString' in connection)) return urlOf(connection);
  return TableClient.fromConnectionString(connection.connectionString, 'any').url;
}

/** The client would make a number Int32 or Double by its size, and values of different types do not compare. */
function typed(columns: Columns) {
  const typedValue = (value: Columns[string]) =>
    typeof value === 'number' ? ({ type: 'Int64', value: String(Math.round(value)) } as const) : value;
  return Object.fromEntries(Object.entries(columns).map(([name, value]) => [name, typedValue(value)]));
}

/**
 * Conflicts and missing rows, as against a table that is missing, or still being deleted, and against answers without a code,
 * which come from something else.
 */
function isAboutTheRow({ statusCode, details }: RestError): boolean {
  const { code } = ((details ?? {}) as { odataError?: { code?: string } }).odataError ?? {};
  if (code === undefined || code.startsWith('Table')) return false;
  return statusCode === 404 || statusCode === 409 || statusCode === 412;
}

function reason(error: unknown): string {
  if (error instanceof RestError)
    return error.statusCode ? `HTTP ${error.statusCode}` : (error.code ?? 'no connection');
  return error instanceof Error ? error.name : 'unknown';
}
