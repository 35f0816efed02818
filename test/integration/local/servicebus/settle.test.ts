import type { ServiceBusReceivedMessage } from '@azure/service-bus';
import { receive, useBroker } from './support/useBroker.js';

describe('settling', () => {
  const broker = useBroker([
    { name: 'complete' },
    { name: 'abandon' },
    { name: 'dead' },
    { name: 'limit', maxDeliveryCount: 2 },
    { name: 'twice' },
    { name: 'later' },
  ]);
  const send = (queue: string, body: unknown) => broker.client.createSender(queue).sendMessages({ body });

  test('a completed message is gone', async () => {
    await send('complete', 1);
    const { receiver, messages } = await receive(broker, 'complete', 1);
    await receiver.completeMessage(messages[0]!);
    expect(await receiver.peekMessages(10)).toEqual([]);
    expect(await receiver.receiveMessages(1, { maxWaitTimeInMs: 50 })).toEqual([]);
  });

  test('an abandoned message comes again at once, with a higher delivery count and the changed properties', async () => {
    await send('abandon', 1);
    const { receiver, messages } = await receive(broker, 'abandon', 1);
    await receiver.abandonMessage(messages[0]!, { tried: 'once' });
    const again = await receive(broker, 'abandon', 1);
    expect(again.messages[0]).toMatchObject({ deliveryCount: 1, applicationProperties: { tried: 'once' } });
    expect(again.messages[0]!.sequenceNumber).toEqual(messages[0]!.sequenceNumber);
    expect(again.messages[0]!.lockToken).not.toEqual(messages[0]!.lockToken);
  });

  test('a dead letter has its reason, description and changed properties, and can be completed in the dead-letter queue', async () => {
    await send('dead', { n: 1 });
    const { receiver, messages } = await receive(broker, 'dead', 1);
    await receiver.deadLetterMessage(messages[0]!, {
      deadLetterReason: 'device-not-found',
      deadLetterErrorDescription: 'validate: no such device',
      attempts: 3,
    });
    const dead = broker.client.createReceiver('dead', { subQueueType: 'deadLetter' });
    const [deadLetter] = await dead.receiveMessages(1);
    expect(deadLetter).toMatchObject({
      body: { n: 1 },
      deadLetterReason: 'device-not-found',
      deadLetterErrorDescription: 'validate: no such device',
      applicationProperties: { attempts: 3 },
      deliveryCount: 0,
    });
    expect(deadLetter!.sequenceNumber).toEqual(messages[0]!.sequenceNumber);
    await dead.completeMessage(deadLetter!);
    expect(await dead.peekMessages(1)).toEqual([]);
  });

  test('a message that is abandoned MaxDeliveryCount times is dead-lettered', async () => {
    await send('limit', 1);
    for (let n = 0; n < 2; n++) {
      const { receiver, messages } = await receive(broker, 'limit', 1);
      expect(messages[0]!.deliveryCount).toBe(n);
      await receiver.abandonMessage(messages[0]!);
      await receiver.close();
    }
    const dead = broker.client.createReceiver('limit', { subQueueType: 'deadLetter' });
    const [deadLetter] = await dead.receiveMessages(1);
    expect(deadLetter).toMatchObject({ deadLetterReason: 'MaxDeliveryCountExceeded', deliveryCount: 2 });
    await expect(dead.deadLetterMessage(deadLetter!)).rejects.toThrow('cannot be dead-lettered');
  });

  test('a message whose link is gone can still be settled, through the management link', async () => {
    await send('later', 1);
    const { receiver, messages } = await receive(broker, 'later', 1);
    await receiver.close();
    const other = broker.client.createReceiver('later');
    await other.completeMessage(messages[0]!);
    expect(await other.peekMessages(1)).toEqual([]);
    await expect(other.completeMessage(messages[0]!)).rejects.toMatchObject({ code: 'MessageLockLost' });
  });

  test('subscribe completes what is handled, and abandons what throws', async () => {
    const sender = broker.client.createSender('twice');
    await sender.sendMessages([{ body: 'good' }, { body: 'bad' }]);
    const seen: ServiceBusReceivedMessage[] = [];
    const receiver = broker.client.createReceiver('twice');
    await new Promise<void>((resolve) => {
      receiver.subscribe(
        {
          async processMessage(message) {
            seen.push(message);
            if (seen.length === 3) resolve();
            if (message.body === 'bad' && message.deliveryCount === 0) throw new Error('not today');
          },
          async processError() {},
        },
        { maxConcurrentCalls: 1 },
      );
    });
    expect(seen.map(({ body, deliveryCount }) => [body, deliveryCount])).toEqual([
      ['good', 0],
      ['bad', 0],
      ['bad', 1],
    ]);
    await receiver.close();
  });
});
