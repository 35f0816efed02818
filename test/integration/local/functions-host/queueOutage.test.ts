import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ServiceBusClient } from '@azure/service-bus';
import { startBroker } from '../../../../local/simulators/servicebus/startBroker.js';
import { freePort } from '../../../../local/simulators/shared/loopback.js';
import { nextRenewal, receiveAll } from '../servicebus/support/useBroker.js';
import { startFixture } from './startFixture.js';

const queues = [{ name: 'q', lockDurationMs: 300_000, maxDeliveryCount: 3 }];
/** For tests that wait for the end or the renewal of a lock. */
const shortLocks = [{ name: 'q', lockDurationMs: 5_000, maxDeliveryCount: 3 }];

describe('the queue trigger during an outage of the broker', () => {
  const env = { FIXTURE_QUEUE: 'q', 'AzureWebJobs.work.Disabled': '' };
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'broker-'));
  });
  afterEach(() => rm(folder, { recursive: true }));
  /** A message whose function runs until `release` is called with the same id. */
  const held = (messageId: string, more = {}) => ({
    messageId,
    body: { until: 'the file exists', file: join(folder, messageId), ...more },
  });
  const release = (messageId: string) => writeFile(join(folder, messageId), '');
  const upTo = (count: number) => Array.from({ length: count }, (_, index) => index);

  it('settles running messages after a restart of the broker, and keeps to maxConcurrentCalls', async () => {
    let broker = await startBroker({ port: await freePort(), queues, folder });
    const { connectionString, port } = broker.endpoints;
    const host = await startFixture(['--only', 'worker'], { ...env, FIXTURE_BUS: connectionString });
    const send = async (...messages: { messageId: string; body: unknown }[]) => {
      const client = new ServiceBusClient(connectionString);
      await client.createSender('q').sendMessages(messages);
      await client.close();
    };
    await send(held('before-1'), held('before-2', { do: 'deadletter', reason: 'late' }));
    await host.line(/^work .*before-1/);
    await host.line(/^work .*before-2/);
    await broker.close();
    broker = await startBroker({ port, queues, folder });
    await send(...upTo(8).map((index) => ({ messageId: `after-${index}`, body: { workMs: 30 } })));
    for (const messageId of ['before-1', 'before-2']) await release(messageId);
    for (const index of upTo(8)) await host.line(new RegExp(`^work: message after-${index} .*completed`));
    await send({ messageId: 'most', body: { do: 'most' } });
    expect(await host.line(/^most at once/)).toBe('most at once: 2');
    const before = host.lines.filter((line) => line.startsWith('work: message before-'));
    expect(before.sort()).toEqual([
      expect.stringMatching(/^work: message before-1 \(delivery 1\) completed/),
      expect.stringMatching(/^work: message before-2 \(delivery 1\) dead-lettered/),
    ]);
    const other = new ServiceBusClient(connectionString);
    const [deadLetter] = await receiveAll(other.createReceiver('q', { subQueueType: 'deadLetter' }), 1);
    expect(deadLetter).toMatchObject({ messageId: 'before-2', deadLetterReason: 'late' });

    // The host locks only the messages of its running invocations. Another receiver gets all other messages.
    await send(...upTo(6).map((index) => held(`held-${index}`)));
    const receiver = other.createReceiver('q');
    const ids = (await receiveAll(receiver, 4)).map(({ messageId }) => String(messageId));
    expect(await receiver.receiveMessages(1, { maxWaitTimeInMs: 50 })).toEqual([]);
    for (const index of upTo(6)) if (!ids.includes(`held-${index}`)) await release(`held-${index}`);
    await other.close();
    expect(await host.stop()).toBe(0);
    await broker.close();
  });

  it('takes a connection that was dropped without a word for lost after a silence', async () => {
    const broker = await startBroker({ port: 0, queues: shortLocks });
    const { connectionString, controlUrl } = broker.endpoints;
    const host = await startFixture(['--only', 'worker', '--silence-seconds', '2'], {
      ...env,
      FIXTURE_BUS: connectionString,
    });
    const send = async (messageId: string) => {
      const client = new ServiceBusClient(connectionString);
      await client.createSender('q').sendMessages({ messageId, body: { workMs: 1 } });
      await client.close();
    };
    await send('first');
    await host.line(/^work: message first .*completed/);
    await fetch(`${controlUrl}/drop`, { method: 'POST' });
    await send('second');
    expect(await host.line(/^work: message second .*completed/)).toMatch(/\(delivery [12]\)/);
    await host.stop();
    await broker.close();
  });

  it('renews the lock of a message while its function runs', async () => {
    const broker = await startBroker({ port: 0, queues: shortLocks });
    const { connectionString } = broker.endpoints;
    const renewal = nextRenewal(broker.engine, 'q');
    const host = await startFixture(['--only', 'worker'], { ...env, FIXTURE_BUS: connectionString });
    const client = new ServiceBusClient(connectionString);
    await client.createSender('q').sendMessages(held('long'));
    await client.close();
    await renewal;
    await release('long');
    expect(await host.line(/^work: message long/)).toMatch(/\(delivery 1\) completed/);
    expect(host.lines.filter((line) => /^work \{/.test(line)).length).toBe(1);
    await host.stop();
    await broker.close();
  });

  it('logs the outage once, continues when the broker is reachable', async () => {
    let broker = await startBroker({ port: await freePort(), queues });
    const { connectionString, port } = broker.endpoints;
    await broker.close();
    const host = await startFixture(['--only', 'worker'], { ...env, FIXTURE_BUS: connectionString });
    await host.line(/^work: queue q cannot be reached/);
    for (const round of [1, 2]) {
      broker = await startBroker({ port, queues });
      const client = new ServiceBusClient(connectionString);
      await client.createSender('q').sendMessages({ messageId: `r-${round}`, body: { do: 'most' } });
      await host.line(new RegExp(`^work: message r-${round} .*completed`));
      await client.close();
      await broker.close();
    }
    expect(await host.stop()).toBe(0);
    const said = host.lines
      .filter((line) => /^work: queue q can/.test(line))
      .map((line) => line.includes('cannot'));
    expect(said).toEqual(said.map((_, index) => index % 2 === 0));
  });
});
