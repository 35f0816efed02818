import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { ServiceBusClient } from '@azure/service-bus';
import type { KillCounts } from '../../../../bench/killBroker.js';
import type { QueueOptions } from '../../../../local/simulators/servicebus/engine/QueueProperties.js';
import { type BrokerDependencies, startBroker } from '../../../../local/simulators/servicebus/startBroker.js';
import { handClock } from '../../../support/handClock.js';
import { longWaitMs } from './support/useBroker.js';

const MINUTES = 60_000;

describe('after a restart with the same folder', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'broker-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  /** Runs a broker on the folder until `use` has finished. */
  async function withBroker<T>(
    queues: QueueOptions[],
    use: (client: ServiceBusClient) => Promise<T>,
    parts: BrokerDependencies = {},
  ): Promise<T> {
    const broker = await startBroker({ port: 0, folder, queues, log() {} }, parts);
    const client = new ServiceBusClient(broker.endpoints.connectionString, {
      retryOptions: { maxRetries: 0, retryDelayInMs: 10 },
    });
    try {
      return await use(client);
    } finally {
      await client.close();
      await broker.close();
    }
  }

  test('messages keep their order, delivery counts and locks', async () => {
    const queues = [{ name: 'q' }];
    const lockToken = await withBroker(queues, async (client) => {
      await client.createSender('q').sendMessages([1, 2, 3].map((body) => ({ body })));
      const receiver = client.createReceiver('q', { maxAutoLockRenewalDurationInMs: 0 });
      const [first, second] = await receiver.receiveMessages(2, { maxWaitTimeInMs: longWaitMs });
      await receiver.abandonMessage(first!, { changed: true });
      return second!.lockToken;
    });
    await withBroker(queues, async (client) => {
      const receiver = client.createReceiver('q');
      const peeked = await receiver.peekMessages(3);
      expect(peeked.map(({ body, deliveryCount }) => [body, deliveryCount])).toEqual([
        [1, 1],
        [2, 0],
        [3, 0],
      ]);
      expect(peeked[0]!.applicationProperties).toEqual({ changed: true });
      const received = await receiver.receiveMessages(3, { maxWaitTimeInMs: longWaitMs });
      expect(received.map(({ body }) => body)).toEqual([1, 3]);
      expect(received.map((message) => message.lockToken)).not.toContain(lockToken);
    });
  });

  test('scheduled messages become active, overdue messages at once, and sequence numbers continue', async () => {
    const queues = [{ name: 'q' }];
    const numbers = await withBroker(queues, async (client) => {
      const sender = client.createSender('q');
      const [overdue] = await sender.scheduleMessages(
        { body: 'overdue' },
        new Date(Date.now() + 10 * MINUTES),
      );
      const [due] = await sender.scheduleMessages({ body: 'due' }, new Date(Date.now() + 20 * MINUTES));
      return [overdue!.toNumber(), due!.toNumber()];
    });
    const clock = handClock(Date.now() + 15 * MINUTES);
    const use = async (client: ServiceBusClient) => {
      const receiver = client.createReceiver('q', { receiveMode: 'receiveAndDelete' });
      clock.advance(0);
      const [first] = await receiver.receiveMessages(1, { maxWaitTimeInMs: longWaitMs });
      expect(first!.body).toBe('overdue');
      expect(first!.sequenceNumber!.toNumber()).toBeGreaterThan(Math.max(...numbers));
      expect(await receiver.receiveMessages(1, { maxWaitTimeInMs: 100 })).toEqual([]);
      clock.advance(5 * MINUTES);
      const [second] = await receiver.receiveMessages(1, { maxWaitTimeInMs: longWaitMs });
      expect(second!.body).toBe('due');
    };
    await withBroker(queues, use, { clock });
  });

  test('duplicates are still known, and given properties are applied to existing queues', async () => {
    await withBroker([{ name: 'q', duplicateWindowMs: 60_000 }], (client) =>
      client.createSender('q').sendMessages({ body: 1, messageId: 'same' }),
    );
    await withBroker([{ name: 'q', maxDeliveryCount: 1 }], async (client) => {
      await client.createSender('q').sendMessages({ body: 2, messageId: 'same' });
      const receiver = client.createReceiver('q');
      const [message] = await receiver.receiveMessages(2, { maxWaitTimeInMs: longWaitMs });
      expect(message!.body).toBe(1);
      await receiver.abandonMessage(message!);
      const [dead] = await client.createReceiver('q', { subQueueType: 'deadLetter' }).peekMessages(1);
      expect(dead!.deadLetterReason).toBe('MaxDeliveryCountExceeded');
      expect(await receiver.peekMessages(1)).toEqual([]);
    });
  });

  test('a start that fails leaves the folder free', async () => {
    const invalid = startBroker({ port: 0, folder, queues: [{ name: 'q', lockDurationMs: 1 }] });
    await expect(invalid).rejects.toThrow('the lock duration must be 5 s to 5 min');
    await withBroker([{ name: 'q' }], (client) => client.createSender('q').sendMessages({ body: 1 }));
  });

  test('two brokers cannot use one folder', async () => {
    await withBroker([{ name: 'q' }], async () => {
      await expect(startBroker({ port: 0, folder, queues: [] })).rejects.toThrow(
        'is in use by another process',
      );
    });
  });
});

test('a broker killed 20 times under load loses no acknowledged change', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'broker-'));
  // A process of its own, because the SDK still waits for killed brokers afterwards.
  const args = [resolve('dist/bench/broker.js'), '--kills', '20', '--folder', folder];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  await rm(folder, { recursive: true });
  const counts = JSON.parse(stdout) as KillCounts;
  expect(counts).toMatchObject({ kills: 20, lost: 0, undone: 0, forgottenDeliveries: 0, outOfOrder: 0 });
  // On a slow machine, a round is over before the broker has acknowledged much.
  expect(counts.acknowledgedSends).toBeGreaterThan(200);
  expect(counts.acknowledgedCompletions).toBeGreaterThan(20);
});
