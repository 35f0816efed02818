import { TableClient, TableServiceClient } from '@azure/data-tables';
import { toText } from './toText.js';

const insecure = { allowInsecureConnection: true };

/** All rows of all tables of a storage account, as text. */
export async function readTables(connectionString: string): Promise<string> {
  const service = TableServiceClient.fromConnectionString(connectionString, insecure);
  const rows: string[] = [];
  for await (const { name = '' } of service.listTables()) {
    const table = TableClient.fromConnectionString(connectionString, name, insecure);
    for await (const entity of table.listEntities()) rows.push(`${name}: ${toText(entity)}`);
  }
  return rows.join('\n');
}
