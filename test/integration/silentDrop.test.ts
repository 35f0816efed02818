import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { startBalena } from '../../local/simulators/balena/startBalena.js';
import { startIotHub } from '../../local/simulators/iothub/startIotHub.js';
import { startBroker } from '../../local/simulators/servicebus/startBroker.js';
import { startTables } from '../../local/simulators/tables/startTables.js';
import { openBalenaClient } from '../../src/balena/client.js';
import { openHubRegistry } from '../../src/iothub/registry.js';
import { openQueueManagement } from '../../src/queue/administration.js';
import { openQueue } from '../../src/queue/queue.js';
import { openTable } from '../../src/storage/table.js';

/* A connection that is dropped without a word, at each dependency: how many calls in a row notice? */

const folder = await mkdtemp(join(tmpdir(), 'drop-'));
const tables = await startTables({ port: 0, folder });
const broker = await startBroker({ port: 0, queues: [{ name: 'q' }], log: () => {} });
const iotHub = await startIotHub({ httpsPort: 0, mqttPort: 0, unthrottled: true });
const balena = await startBalena();
const certificates = [iotHub, broker].map(({ endpoints }) => readFile(endpoints.caFile, 'utf8'));
setDefaultCACertificates([...getCACertificates('bundled'), ...(await Promise.all(certificates))]);

const uuid = 'ab'.repeat(16);
const queueOptions = { connection: { connectionString: broker.endpoints.connectionString }, queue: 'q' };
const queue = openQueue(queueOptions);
const management = openQueueManagement(queueOptions);
const hub = openHubRegistry({ connection: { connectionString: iotHub.endpoints.connectionString } });
const balenaClient = openBalenaClient({ ...balena.endpoints, callTimeoutMs: 3_000 });
const records = openTable<object>({
  connection: { connectionString: tables.endpoints.connectionString },
  name: 'devices',
});
afterAll(async () => {
  hub.close();
  await queue.close();
  await Promise.all([tables, broker, iotHub, balena].map((each) => each.close()));
  await rm(folder, { recursive: true });
});

const message = (requestId: string) => ({
  v: 1 as const,
  uuid,
  requestId,
  generation: 1,
  due: 0,
  operation: 'provision' as const,
  service: 'main',
});

/** Each dependency, the most calls that may fail, and a call. */
const calls: [string, number, { endpoints: { controlUrl: string } }, () => Promise<unknown>][] = [
  ['queue: send', 0, broker, () => queue.send(message(randomUUID()), { messageId: randomUUID(), at: 0 })],
  ['queue: ping', 0, broker, () => queue.ping()],
  ['queue: properties', 0, broker, () => management.properties()],
  ['records: get', 0, tables, () => records.get({ partition: 'p', row: 'r' })],
  ['records: put', 0, tables, () => records.put({ partition: 'p', row: randomUUID() }, {}, null)],
  // Of the two clients without a second try of their own, the run makes the second try.
  ['hub: get', 1, iotHub, () => hub.get(uuid, 3_000)],
  ['balena: findDevice', 1, balena, () => balenaClient.findDevice(uuid)],
];

test.each(calls)(
  '%s: of the calls over dropped connections, at most %i fails',
  async (_, most, { endpoints }, call) => {
    // Several connections, where the client has a pool.
    await Promise.all(Array.from({ length: 4 }, call));
    const response = await fetch(`${endpoints.controlUrl}/drop`, { method: 'POST' });
    expect(((await response.json()) as { dropped: number }).dropped).toBeGreaterThan(0);
    let failed = 0;
    for (let times = 0; times < 4; times += 1) await call().catch(() => (failed += 1));
    expect(failed).toBeLessThanOrEqual(most);
  },
);

test('a message whose connection was dropped is in the queue once', async () => {
  const id = randomUUID();
  const before = (await management.depths())?.active ?? 0;
  await queue.ping();
  await fetch(`${broker.endpoints.controlUrl}/drop`, { method: 'POST' });
  await queue.send(message(id), { messageId: id, at: 0 });
  expect((await management.depths())?.active).toBe(before + 1);
});
