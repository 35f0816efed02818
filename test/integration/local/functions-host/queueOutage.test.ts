import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ServiceBusClient } from '@azure/service-bus';
import { startBroker } from '../../../../local/simulators/servicebus/startBroker.js';
import { startFixture } from './startFixture.js';

const queues = [{ name: 'q', lockDurationMs: 5_000, maxDeliveryCount: 3 }];

describe('the queue trigger and a broker that comes and goes', () => {
  const env = { FIXTURE_QUEUE: 'q', 'AzureWebJobs.work.Disabled': '' };

  it('settles what was running when the broker went, and keeps to maxConcurrentCalls when it is back', async () => {
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
    const dead = { do: 'deadletter', reason: 'late', ms: 1_500 };
    await send(wait('before-1', 1_500), { messageId: 'before-2', body: dead });
    await host.line(/^work .*before-1/);
    await host.line(/^work .*before-2/);
    await broker.close();
    broker = await startBroker({ port, queues, folder });
    await send(...Array.from({ length: 8 }, (_, index) => wait(`after-${index}`, 30)));
    for (let index = 0; index < 8; index += 1) {
      await host.line(new RegExp(`^work: message after-${index} .*completed`));
    }
    await send({ messageId: 'most', body: { do: 'most' } });
    expect(await host.line(/^most at once/)).toBe('most at once: 2');
    const before = host.lines.filter((line) => line.startsWith('work: message before-'));
    expect(before.sort()).toEqual([
      expect.stringMatching(/^work: message before-1 \(delivery 1\) completed/),
      expect.stringMatching(/^work: message before-2 \(delivery 1\) dead-lettered/),
    ]);
    const other = new ServiceBusClient(connectionString);
    const [letter] = await other.createReceiver('q', { subQueueType: 'deadLetter' }).receiveMessages(1);
    expect(letter).toMatchObject({ messageId: 'before-2', deadLetterReason: 'late' });
    // Nor does it hold more than that locked: the others are there for somebody else.
    await send(...Array.from({ length: 6 }, (_, index) => wait(`held-${index}`, 1_500)));
    await host.line(/^work .*held-1/);
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
    const said = host.lines
      .filter((line) => /^work: queue q can/.test(line))
      .map((line) => line.includes('cannot'));
    expect(said).toEqual(said.map((_, index) => index % 2 === 0));
  });
});
