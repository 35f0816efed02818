import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { startBalena } from '../local/simulators/balena/startBalena.js';
import { startIotHub } from '../local/simulators/iothub/startIotHub.js';
import { startBroker } from '../local/simulators/servicebus/startBroker.js';
import { startTables } from '../local/simulators/tables/startTables.js';
import { openBalenaClient } from '../src/balena/client.js';
import { openHubRegistry } from '../src/iothub/registry.js';
import { openQueueManagement } from '../src/queue/administration.js';
import { openQueue } from '../src/queue/queue.js';
import { openTable } from '../src/storage/table.js';

/*
 * What a connection costs that is dropped without a word: for each dependency, calls one after the other over a connection that was
 * dropped, until three in a row succeed. Run with: npm run bench:silent-drop
 */

const folder = await mkdtemp(join(tmpdir(), 'silent-drop-'));
const tables = await startTables({ port: 0, folder });
const broker = await startBroker({ port: 0, queues: [{ name: 'q' }], log: () => {} });
const iotHub = await startIotHub({ httpsPort: 0, mqttPort: 0, unthrottled: true });
const balena = await startBalena({ devices: 1 });
setDefaultCACertificates([
  ...getCACertificates('bundled'),
  ...[iotHub.endpoints.caFile, broker.endpoints.caFile].map((file) => readFileSync(file, 'utf8')),
]);

const queueOptions = { connection: { connectionString: broker.endpoints.connectionString }, queue: 'q' };
const queue = openQueue(queueOptions);
const management = openQueueManagement(queueOptions);
const hub = openHubRegistry({
  connection: { connectionString: iotHub.endpoints.connectionString },
});
const balenaClient = openBalenaClient(balena.endpoints);
const records = openTable<object>({
  connection: { connectionString: tables.endpoints.connectionString },
  name: 'devices',
});
const message = () => ({
  v: 1 as const,
  uuid: 'ab'.repeat(16),
  requestId: randomUUID(),
  generation: 1,
  due: 0,
  operation: 'provision' as const,
  service: 'main',
});
/** The longest time that a run gives a call to the hub. */
const hubCallMs = Number(process.env.HUB_CALL_MS ?? 60_000);

const calls: [string, string, () => Promise<unknown>][] = [
  [
    'queue, send',
    broker.endpoints.controlUrl,
    () => queue.send(message(), { messageId: randomUUID(), at: 0 }),
  ],
  ['queue, properties', broker.endpoints.controlUrl, () => management.properties()],
  ['records, get', tables.endpoints.controlUrl, () => records.get({ partition: 'p', row: 'r' })],
  [
    'records, put',
    tables.endpoints.controlUrl,
    () => records.put({ partition: 'p', row: randomUUID() }, {}, null),
  ],
  ['hub, get', iotHub.endpoints.controlUrl, () => hub.get('ab'.repeat(16), hubCallMs)],
  ['balena, findDevice', balena.endpoints.controlUrl, () => balenaClient.findDevice('ab'.repeat(16))],
];

for (const [name, controlUrl, call] of calls) {
  await Promise.all(Array.from({ length: 4 }, call));
  await fetch(`${controlUrl}/drop`, { method: 'POST' });
  const startedAt = performance.now();
  let failed = 0;
  let slow = 0;
  let lastBadMs = 0;
  for (let inARow = 0; inARow < 3; ) {
    const begun = performance.now();
    const ok = await call().then(
      () => true,
      () => false,
    );
    const ms = performance.now() - begun;
    if (!ok) failed += 1;
    if (ms > 1_000) slow += 1;
    if (ok && ms <= 1_000) inARow += 1;
    else {
      inARow = 0;
      lastBadMs = performance.now() - startedAt;
    }
  }
  console.log(
    `${name.padEnd(20)} failed ${failed}, slower than a second ${slow}, all well after ${(lastBadMs / 1_000).toFixed(1)} s`,
  );
}

await rm(folder, { recursive: true });
process.exit(0);
