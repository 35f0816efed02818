import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ServiceBusClient, type ServiceBusSender } from '@azure/service-bus';
import { startBroker } from '../../../local/servicebus/startBroker.js';
import { type Fixture, startFixture } from './startFixture.js';

type Broker = Awaited<ReturnType<typeof startBroker>>;

const queues = [{ name: 'q', lockDurationMs: 5_000, maxDeliveryCount: 3 }];

/** What the function `work` said about the message with this id. */
async function received(host: Fixture, id: string) {
  const line = await host.line(new RegExp(`^work \\{.*"messageId":"${id}"`));
  return JSON.parse(line.slice(5)) as { message: unknown; type: string; metadata: Record<string, unknown> };
}

describe('the queue trigger', () => {
  let broker: Broker;
  let client: ServiceBusClient;
  let sender: ServiceBusSender;
  let host: Fixture;
  const env = () => ({
    FIXTURE_BUS: broker.endpoints.connectionString,
    FIXTURE_QUEUE: 'q',
    'AzureWebJobs.work.Disabled': '',
  });
  const send = (messageId: string, body: unknown, more = {}) =>
    sender.sendMessages({ messageId, body, ...more });

  beforeAll(async () => {
    broker = await startBroker({ port: 0, queues });
    client = new ServiceBusClient(broker.endpoints.connectionString);
    sender = client.createSender('q');
    host = await startFixture(['--only', 'worker'], env());
  });
  afterAll(async () => {
    await host.stop();
    await client.close();
    await broker.close();
  });

  it('hands over JSON parsed, and the metadata as the real host does', async () => {
    await send(
      'm-json',
      { do: 'nothing', n: 1 },
      { applicationProperties: { Kind: 'k' }, correlationId: 'c' },
    );
    const { message, type, metadata } = await received(host, 'm-json');
    expect([message, type]).toEqual([{ do: 'nothing', n: 1 }, 'object']);
    expect(metadata).toMatchObject({
      messageId: 'm-json',
      correlationId: 'c',
      deliveryCount: 1,
      lockToken: expect.stringMatching(/^[0-9a-f-]{36}$/),
      sequenceNumber: expect.any(Number),
      enqueuedTimeUtc: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+$/),
      enqueuedTime: expect.stringMatching(/\+00:00$/),
      applicationProperties: { kind: 'k' },
      n: 1,
    });
    await host.line(/^work: message m-json \(delivery 1\) completed in \d+ ms$/);
  });

  it('hands over a text that is no JSON as it is', async () => {
    await send('m-text', Buffer.from('not JSON'));
    expect(await received(host, 'm-text')).toMatchObject({ message: 'not JSON', type: 'string' });
  });

  it('abandons at once when the function throws, until the broker has had enough', async () => {
    await send('m-throw', { do: 'throw' });
    for (const delivery of [1, 2, 3]) {
      await host.line(
        new RegExp(`^work: message m-throw \\(delivery ${delivery}\\) abandoned \\(Error: told to\\)`),
      );
    }
    const dead = await deadLetter('m-throw');
    expect(dead?.deadLetterReason).toBe('MaxDeliveryCountExceeded');
  });

  it('dead-letters on request, with reason and description, and does nothing more', async () => {
    const description = 'ä'.repeat(100);
    await send('m-dead', { do: 'deadletter', reason: 'device-not-found', description });
    await host.line(/^work: message m-dead \(delivery 1\) dead-lettered in/);
    const dead = await deadLetter('m-dead');
    expect(dead).toMatchObject({
      deadLetterReason: 'device-not-found',
      deadLetterErrorDescription: description,
      deliveryCount: 0,
    });
  });

  it('completes, abandons and renews the lock on request', async () => {
    await send('m-complete', { do: 'complete' });
    await host.line(/^work: message m-complete \(delivery 1\) completed in/);
    await send('m-abandon', { do: 'abandon' });
    await host.line(/^work: message m-abandon \(delivery 3\) abandoned in/);
    await send('m-renew', { do: 'renew' });
    await host.line(/^work: message m-renew \(delivery 1\) completed in/);
    expect(new Set(host.lines.filter((line) => line.startsWith('settled')))).toEqual(new Set(['settled OK']));
  });

  it('answers the Settlement calls that it refuses as the real host does', async () => {
    await send('m-strange', { do: 'strange token' });
    await host.line(/^settled 9 LockToken 0{8}-.* not found\.$/);
    await send('m-defer', { do: 'defer' });
    await host.line(/^settled 12 /);
    await send('m-long', { do: 'deadletter', reason: 'x'.repeat(4_097) });
    await host.line(/^settled 2 .*longer than 4096/);
  });

  it('never runs more at once than maxConcurrentCalls, and uses them', async () => {
    const many = Array.from({ length: 8 }, (_, index) => ({
      messageId: `w-${index}`,
      body: { do: 'wait', ms: 50 },
    }));
    await sender.sendMessages(many);
    for (const { messageId } of many) await host.line(new RegExp(`^work: message ${messageId} .*completed`));
    await send('m-most', { do: 'most' });
    expect(await host.line(/^most at once/)).toBe('most at once: 2');
  });

  it('finishes what runs on SIGTERM, and leaves the rest in the queue unlocked', async () => {
    const other = await startFixture(['--only', 'worker'], env());
    await host.stop();
    const many = Array.from({ length: 4 }, (_, index) => ({
      messageId: `s-${index}`,
      body: { do: 'wait', ms: 300 },
    }));
    await sender.sendMessages(many);
    await other.line(/^work \{/);
    expect(await other.stop()).toBe(0);
    const done = other.lines.filter((line) => /^work: message s-.*completed/.test(line));
    const started = other.lines.filter((line) => /^work \{/.test(line));
    expect(done.length).toBe(started.length);
    const receiver = client.createReceiver('q');
    const left = await receiver.receiveMessages(4 - done.length, { maxWaitTimeInMs: 1_000 });
    expect(left.length).toBe(4 - done.length);
    for (const message of left) await receiver.completeMessage(message);
    await receiver.close();
    host = await startFixture(['--only', 'worker'], env());
  });

  async function deadLetter(id: string) {
    const receiver = client.createReceiver('q', { subQueueType: 'deadLetter' });
    try {
      for (;;) {
        const [found] = await receiver.receiveMessages(1, { maxWaitTimeInMs: 5_000 });
        if (found) await receiver.completeMessage(found);
        if (!found || found.messageId === id) return found;
      }
    } finally {
      await receiver.close();
    }
  }
});

describe('the queue trigger and a broker that comes and goes', () => {
  const env = { FIXTURE_QUEUE: 'q', 'AzureWebJobs.work.Disabled': '' };

  it('keeps to maxConcurrentCalls when the broker is back and messages of before still run', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'broker-'));
    let broker = await startBroker({ port: 0, queues, folder });
    const { connectionString, port } = broker.endpoints;
    const host = await startFixture(['--only', 'worker'], { ...env, FIXTURE_BUS: connectionString });
    const send = async (...messages: { messageId: string; body: unknown }[]) => {
      const client = new ServiceBusClient(connectionString);
      await client.createSender('q').sendMessages(messages);
      await client.close();
    };
    const wait = (messageId: string, ms: number) => ({ messageId, body: { do: 'wait', ms } });
    await send(wait('before-1', 1_500), wait('before-2', 1_500));
    await host.line(/^work .*before-1/);
    await host.line(/^work .*before-2/);
    await broker.close();
    broker = await startBroker({ port, queues, folder });
    await send(...Array.from({ length: 8 }, (_, index) => wait(`after-${index}`, 30)));
    for (let index = 0; index < 8; index += 1)
      await host.line(new RegExp(`^work: message after-${index} .*completed`));
    await send({ messageId: 'most', body: { do: 'most' } });
    expect(await host.line(/^most at once/)).toBe('most at once: 2');
    const twice = host.lines.filter((line) => /^work: message before-.*completed/.test(line));
    expect(twice.length).toBe(2);
    // Nor does it hold more than that locked: the others are there for somebody else.
    await send(...Array.from({ length: 6 }, (_, index) => wait(`held-${index}`, 1_500)));
    await host.line(/^work .*held-1/);
    const other = new ServiceBusClient(connectionString);
    const free = await other.createReceiver('q').receiveMessages(6, { maxWaitTimeInMs: 500 });
    expect(free.length).toBe(4);
    await other.close();
    expect(await host.stop()).toBe(0);
    await broker.close();
    await rm(folder, { recursive: true });
  });

  it('keeps the lock of a message whose function takes longer than that', async () => {
    const broker = await startBroker({ port: 0, queues });
    const { connectionString } = broker.endpoints;
    const host = await startFixture(['--only', 'worker'], { ...env, FIXTURE_BUS: connectionString });
    const client = new ServiceBusClient(connectionString);
    await client.createSender('q').sendMessages({ messageId: 'long', body: { do: 'wait', ms: 6_000 } });
    await client.close();
    expect(await host.line(/^work: message long/)).toMatch(/\(delivery 1\) completed/);
    expect(host.lines.filter((line) => /^work \{/.test(line)).length).toBe(1);
    await host.stop();
    await broker.close();
  });

  it('says so once, and goes on when the broker is there', async () => {
    let broker = await startBroker({ port: 0, queues });
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
    expect(host.lines.filter((line) => /cannot be reached/.test(line)).length).toBeLessThanOrEqual(2);
  });
});
