import { TableClient, TableServiceClient } from '@azure/data-tables';
import { toText } from './toText.js';

const insecure = { allowInsecureConnection: true };

/** All rows of all tables of a storage account, as text. */
export async function readTables(connectionString: string): Promise<string> {
  const rows: string[] = [];
  for await (const [name, entity] of entities(connectionString)) rows.push(`${name}: ${toText(entity)}`);
  return rows.join('\n');
}

/** The etags of all rows with a value of this format, by table and key. */
export async function rowsOfFormat(connectionString: string, format: number): Promise<Map<string, string>> {
  const rows = new Map<string, string>();
  for await (const [name, { partitionKey, rowKey, json, etag }] of entities(connectionString))
    if (typeof json === 'string' && JSON.parse(json).format === format)
      rows.set(`${name} ${partitionKey} ${rowKey}`, etag);
  return rows;
}

async function* entities(connectionString: string) {
  const service = TableServiceClient.fromConnectionString(connectionString, insecure);
  for await (const { name = '' } of service.listTables()) {
    const table = TableClient.fromConnectionString(connectionString, name, insecure);
    for await (const entity of table.listEntities<{ json?: unknown }>()) yield [name, entity] as const;
  }
}
