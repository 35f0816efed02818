import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { TableClient } from '@azure/data-tables';
import { startStack } from '../../../../local/stack/startStack.js';

const real = {
  BALENA_API_KEY: 'none',
  IOTHUB_HOST_NAME: 'none.example',
  SERVICEBUS_CONNECTION: 'Endpoint=sb://none.example/;SharedAccessKeyName=none;SharedAccessKey=bm9uZQ==',
};

test('what was acknowledged outlives a stop, also one that comes while Azurite writes its file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tables-'));
  const lines: string[] = [];
  // Only the tables are simulated and started.
  const stack = await startStack({
    folder,
    freePorts: true,
    hosts: [],
    settings: real,
    onLine: (_, line) => line !== 'is ready' && lines.push(line),
  });
  try {
    const { connectionString = '' } = stack.endpoints.tables ?? {};
    const table = TableClient.fromConnectionString(connectionString, 'rows', {
      allowInsecureConnection: true,
    });
    await table.createTable();
    // Enough data for a long write.
    const filler = 'x'.repeat(30_000);
    const rows = Array.from({ length: 400 }, (_, i) => ({
      partitionKey: 'a',
      rowKey: String(i),
      a: filler,
      b: filler,
    }));
    await Promise.all(rows.map((row) => table.createEntity(row)));

    const halfWritten = join(folder, 'tables', 'tables.json~');
    // Azurite writes its file only after a change. A busy machine may not see the first write.
    const [changed = { partitionKey: 'a', rowKey: '0' }] = rows;
    for (let looks = 1; !existsSync(halfWritten); looks += 1) {
      await sleep(1);
      if (looks % 1_000 === 0) await table.upsertEntity(changed);
    }
    await stack.simulators.tables?.stop();
    await stack.restart('tables');

    let found = 0;
    for await (const _ of table.listEntities({ queryOptions: { select: ['rowKey'] } })) found += 1;
    expect({ found, lines }).toEqual({ found: rows.length, lines: [] });
  } finally {
    await stack.close();
    await rm(folder, { recursive: true });
  }
});
