import { ServiceBusClient, type ServiceBusSender } from '@azure/service-bus';
import { startBroker } from '../../../../local/simulators/servicebus/startBroker.js';
import { longWaitMs } from '../servicebus/support/useBroker.js';
import { type Fixture, startFixture } from './startFixture.js';

type Broker = Awaited<ReturnType<typeof startBroker>>;

const queues = [{ name: 'q', lockDurationMs: 300_000, maxDeliveryCount: 3 }];

/** The log line of the function `work` for the message with this id. */
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

  it('passes a text other than JSON unchanged', async () => {
    await send('m-text', Buffer.from('not JSON'));
    expect(await received(host, 'm-text')).toMatchObject({ message: 'not JSON', type: 'string' });
  });

  it('abandons a message at once when the function throws, until the broker dead-letters the message', async () => {
    await send('m-throw', { do: 'throw' });
    for (const delivery of [1, 2, 3]) {
      await host.line(
        new RegExp(
          `^work: message m-throw \\(delivery ${delivery}\\) abandoned \\(Error: failed as requested\\)`,
        ),
      );
    }
    const dead = await deadLetter('m-throw');
    expect(dead?.deadLetterReason).toBe('MaxDeliveryCountExceeded');
  });

  it('dead-letters on request, with reason and description, and does not settle again', async () => {
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

  it('rejects invalid Settlement calls as the real host does', async () => {
    await send('m-strange', { do: 'strange token' });
    await host.line(/^settled 9 LockToken 0{8}-.* not found\.$/);
    await send('m-defer', { do: 'defer' });
    await host.line(/^settled 12 /);
    await send('m-long', { do: 'deadletter', reason: 'x'.repeat(4_097) });
    await host.line(/^settled 2 .*longer than 4096/);
  });

  it('runs exactly maxConcurrentCalls invocations at a time', async () => {
    const many = Array.from({ length: 8 }, (_, index) => ({
      messageId: `w-${index}`,
      body: { until: 'two run' },
    }));
    await sender.sendMessages(many);
    for (const { messageId } of many) await host.line(new RegExp(`^work: message ${messageId} .*completed`));
    await send('m-most', { do: 'most' });
    expect(await host.line(/^most at once/)).toBe('most at once: 2');
  });

  async function deadLetter(id: string) {
    const receiver = client.createReceiver('q', { subQueueType: 'deadLetter' });
    try {
      for (;;) {
        const [found] = await receiver.receiveMessages(1, { maxWaitTimeInMs: longWaitMs });
        if (found) await receiver.completeMessage(found);
        if (!found || found.messageId === id) return found;
      }
    } finally {
      await receiver.close();
    }
  }
});
