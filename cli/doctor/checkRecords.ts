import { randomUUID } from 'node:crypto';
import type { ConfigFor } from '../../src/config/config.js';
import { ProvisioningError } from '../../src/shared/errors.js';
import { openTable } from '../../src/storage/table.js';
import { type Check, failed, getToken, lacksToken, ok } from './check.js';

const role = 'Storage Table Data Contributor';

/** Checks the rights to read and write the records, by writing and removing a test row. */
export async function checkRecords({ records }: ConfigFor<'records'>): Promise<Check[]> {
  const table = open(records);
  if (!table)
    return [failed('records: read', 'RECORDS_CONNECTION cannot be read', 'copy the connection string again')];
  const key = { partition: 'doctor', row: randomUUID() };
  const tries: [name: string, detail: string, run: () => Promise<unknown>][] = [
    ['records: read', 'allowed', () => table.get(key)],
    ['records: write', 'allowed', () => table.put(key, {}, null).then(() => table.remove(key))],
  ];
  const checks: Check[] = [];
  for (const [name, detail, run] of tries) {
    try {
      await run();
      checks.push(ok(name, detail));
    } catch (error) {
      const found = ProvisioningError.from(error);
      checks.push(failed(name, found.message, todoFor(found)));
      break;
    }
  }
  return checks;
}

function open(records: ConfigFor<'records'>['records']) {
  try {
    return openTable<object>({ ...records, name: 'system' });
  } catch {
    return null;
  }
}

function todoFor(error: ProvisioningError): string {
  if (error.cause?.status === 403) return `check the key, or give the identity the role ${role}`;
  if (lacksToken(error)) return getToken;
  return "check RECORDS_CONNECTION (or AzureWebJobsStorage), and that the account's firewall allows this machine";
}
