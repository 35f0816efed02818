import { TableClient } from '@azure/data-tables';
import type { DeviceRecord } from '../../../src/device/record.js';

/** Every stored row of a table. */
export async function readRows(connectionString: string, table: string): Promise<{ json: string }[]> {
  const client = TableClient.fromConnectionString(connectionString, table, {
    allowInsecureConnection: true,
    retryOptions: { maxRetries: 0 },
  });
  const rows: { json: string }[] = [];
  for await (const row of client.listEntities<{ json: string }>({ abortSignal: AbortSignal.timeout(10_000) }))
    rows.push(row);
  return rows;
}

export async function readRecords(connectionString: string): Promise<DeviceRecord[]> {
  return (await readRows(connectionString, 'devices')).map(({ json }) => JSON.parse(json));
}
