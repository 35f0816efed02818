import { readFileSync } from 'node:fs';
import { ServiceBusAdministrationClient } from '@azure/service-bus';
import { handClock } from '../../../support/handClock.js';
import { receiveAll, useBroker } from './support/useBroker.js';

describe('a namespace without credits', () => {
  const clock = handClock(Date.now());
  const broker = useBroker([{ name: 'q' }, { name: 'held' }, { name: 'peeked' }], { clock });
  const limit = (perSecond: number) => broker.engine.credits.limitTo(perSecond);
  const busy = { code: 'ServiceBusy', retryable: true };
  afterEach(() => limit(Infinity));

  test('refuses sends, scheduled or not, and peeks, with an error that the SDK takes for ServiceBusy', async () => {
    const sender = broker.client.createSender('q');
    const receiver = broker.client.createReceiver('q');
    await sender.sendMessages({ body: 'opens the link' });
    await receiver.peekMessages(1);
    limit(0);
    await expect(sender.sendMessages({ body: 1 })).rejects.toMatchObject(busy);
    await expect(sender.scheduleMessages({ body: 1 }, new Date(clock.now() + 1_000))).rejects.toMatchObject(
      busy,
    );
    await expect(receiver.peekMessages(1)).rejects.toMatchObject(busy);
    limit(Infinity);
    await sender.sendMessages({ body: 'the link is still open' });
    expect(await receiveAll(receiver, 2)).toHaveLength(2);
  });

  test('delays deliveries until the next second', async () => {
    const sender = broker.client.createSender('held');
    await sender.sendMessages([1, 2, 3, 4, 5].map((body) => ({ body })));
    limit(2);
    const arrived: unknown[] = [];
    let notify = () => {};
    const arrivals = (count: number) =>
      new Promise<void>((resolve) => {
        notify = () => arrived.length >= count && resolve();
        notify();
      });
    const receiver = broker.client.createReceiver('held', { receiveMode: 'receiveAndDelete' });
    const subscription = receiver.subscribe(
      {
        processMessage: async ({ body }) => {
          arrived.push(body);
          notify();
        },
        processError: async () => {},
      },
      { maxConcurrentCalls: 10 },
    );
    await arrivals(2);
    clock.advance(1_000);
    await arrivals(4);
    clock.advance(1_000);
    await arrivals(5);
    expect(broker.engine.credits.counts()).toMatchObject({ used: 5, refused: 0 });
    await subscription.close();
  });

  test('counts one credit for each message sent, received or peeked, and ten for a call of the management API', async () => {
    limit(10_000);
    const used = () => broker.engine.credits.counts().used;
    const sender = broker.client.createSender('peeked');
    await sender.sendMessages([{ body: 1 }, { body: 2 }, { body: 3 }]);
    expect(used()).toBe(3);
    const receiver = broker.client.createReceiver('peeked');
    await receiver.peekMessages(10);
    expect(used()).toBe(6);
    const received = await receiveAll(receiver, 3);
    for (const each of received) await receiver.completeMessage(each);
    expect(used()).toBe(9);
    const management = new ServiceBusAdministrationClient(broker.connectionString, {
      tlsOptions: { ca: readFileSync(broker.caFile, 'utf8') },
      retryOptions: { maxRetries: 0 },
    });
    await management.getQueueRuntimeProperties('peeked');
    expect(used()).toBe(19);
    limit(0);
    await expect(management.getQueue('peeked')).rejects.toMatchObject({ statusCode: 503 });
  });
});
