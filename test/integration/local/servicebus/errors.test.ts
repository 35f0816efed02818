import { ServiceBusClient } from '@azure/service-bus';
import { handClock } from '../../../support/handClock.js';
import { longWaitMs, receive, useBroker } from './support/useBroker.js';

const SECONDS = 1000;

describe('errors are those of the service', () => {
  const clock = handClock(Date.now());
  const broker = useBroker(
    [
      { name: 'q' },
      { name: 'twice' },
      { name: 'properties' },
      { name: 'small', maxSizeBytes: 10_000 },
      { name: 'locks', lockDurationMs: 5 * SECONDS, maxDeliveryCount: 2 },
    ],
    { clock },
  );
  const tooLarge = Buffer.alloc(300_000);

  test('an unknown queue is not found by senders and receivers', async () => {
    const notFound = { code: 'MessagingEntityNotFound' };
    await expect(broker.client.createSender('nowhere').sendMessages({ body: 1 })).rejects.toMatchObject(
      notFound,
    );
    const receiver = broker.client.createReceiver('nowhere');
    await expect(receiver.receiveMessages(1, { maxWaitTimeInMs: longWaitMs })).rejects.toMatchObject(
      notFound,
    );
    await expect(receiver.peekMessages(1)).rejects.toMatchObject(notFound);
    const errors: unknown[] = [];
    await new Promise<void>((resolve) => {
      receiver.subscribe({
        processMessage: async () => {},
        processError: async ({ error }) => {
          errors.push(error);
          resolve();
        },
      });
    });
    expect(errors[0]).toMatchObject(notFound);
    await receiver.close();
  });

  test('a message beyond 256 KiB is refused, sent or scheduled, and the sender goes on', async () => {
    const sender = broker.client.createSender('q');
    const sizeExceeded = { code: 'MessageSizeExceeded' };
    await expect(sender.sendMessages({ body: tooLarge })).rejects.toMatchObject(sizeExceeded);
    await expect(
      sender.scheduleMessages({ body: tooLarge }, new Date(clock.now() + 1000)),
    ).rejects.toMatchObject(sizeExceeded);
    await sender.sendMessages({ body: 'small' });
    const batch = await sender.createMessageBatch();
    expect(batch.maxSizeInBytes).toBe(262_144);
    expect(batch.tryAddMessage({ body: tooLarge })).toBe(false);
    while (batch.tryAddMessage({ body: Buffer.alloc(10_000) }));
    expect(batch.count).toBe(26);
    await sender.sendMessages(batch);
    await expect(sender.sendMessages(new Array(30).fill({ body: Buffer.alloc(10_000) }))).rejects.toThrow();
    expect(await broker.client.createReceiver('q').peekMessages(100)).toHaveLength(27);
  });

  test('application properties have up to 64 KiB together, and 32 KiB each', async () => {
    const sender = broker.client.createSender('properties');
    const properties = (count: number, size: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, n) => [`p${n}`, 'x'.repeat(size)]));
    const message = (count: number, size: number) => ({
      body: 1,
      applicationProperties: properties(count, size),
    });
    const tooLarge = {
      code: 'MessageSizeExceeded',
      message: expect.stringContaining('The size quota for this stream (65536) has been exceeded'),
    };
    await expect(sender.sendMessages(message(7, 10_000))).rejects.toMatchObject(tooLarge);
    await expect(
      sender.scheduleMessages(message(7, 10_000), new Date(clock.now() + 1000)),
    ).rejects.toMatchObject(tooLarge);
    await expect(sender.sendMessages(message(1, 33_000))).rejects.toThrow('unable to process the request');
    await sender.sendMessages(message(3, 20_000));
    const { receiver, messages } = await receive(broker, 'properties', 1);
    expect(messages[0]!.applicationProperties).toEqual(properties(3, 20_000));
    // The same limit holds for properties that a settlement adds.
    await expect(receiver.abandonMessage(messages[0]!, { more: 'x'.repeat(10_000) })).rejects.toMatchObject({
      code: 'MessageSizeExceeded',
    });
  });

  test('a rejection among simultaneous acceptances reaches the right sender', async () => {
    const sender = broker.client.createSender('q');
    const bodies = ['fine', tooLarge, 'fine', 'fine', tooLarge];
    const outcomes = await Promise.allSettled(bodies.map((body) => sender.sendMessages({ body })));
    expect(outcomes.map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
      'fulfilled',
      'rejected',
    ]);
  });

  test('a full queue refuses, until there is room again', async () => {
    const sender = broker.client.createSender('small');
    await sender.sendMessages({ body: Buffer.alloc(9000) });
    const quotaExceeded = { code: 'QuotaExceeded' };
    await expect(sender.sendMessages({ body: Buffer.alloc(2000) })).rejects.toMatchObject(quotaExceeded);
    await expect(sender.scheduleMessages({ body: Buffer.alloc(2000) }, new Date())).rejects.toMatchObject(
      quotaExceeded,
    );
    const { receiver, messages } = await receive(broker, 'small', 1);
    await receiver.completeMessage(messages[0]!);
    await sender.sendMessages({ body: Buffer.alloc(2000) });
  });

  test('a lock that has ended is lost, and counts as a failed delivery', async () => {
    await broker.client.createSender('locks').sendMessages({ body: 1 });
    const receiver = broker.client.createReceiver('locks', { maxAutoLockRenewalDurationInMs: 0 });
    const [message] = await receiver.receiveMessages(1);
    clock.advance(4 * SECONDS);
    const lockedUntil = await receiver.renewMessageLock(message!);
    expect(lockedUntil.getTime()).toBe(clock.now() + 5 * SECONDS);
    clock.advance(4 * SECONDS);
    expect(await receiver.receiveMessages(1, { maxWaitTimeInMs: 50 })).toEqual([]);
    clock.advance(1 * SECONDS);
    const lockLost = { code: 'MessageLockLost' };
    await expect(receiver.renewMessageLock(message!)).rejects.toMatchObject(lockLost);
    await expect(receiver.completeMessage(message!)).rejects.toMatchObject(lockLost);
    const [again] = await receiver.receiveMessages(1);
    expect(again).toMatchObject({ body: 1, deliveryCount: 1 });
    clock.advance(5 * SECONDS);
    const [dead] = await broker.client
      .createReceiver('locks', { subQueueType: 'deadLetter' })
      .receiveMessages(1);
    expect(dead).toMatchObject({ deadLetterReason: 'MaxDeliveryCountExceeded', deliveryCount: 2 });
  });

  test('settling twice is an error', async () => {
    await broker.client.createSender('twice').sendMessages({ body: 1 });
    const { receiver, messages } = await receive(broker, 'twice', 1);
    await receiver.completeMessage(messages[0]!);
    await expect(receiver.completeMessage(messages[0]!)).rejects.toThrow('already settled');
  });

  test('an unsupported operation fails with a clear error and does not hang', async () => {
    const said = 'Not supported by the local broker';
    // The SDK replaces the broker's error by its own error. The broker's log has the reason.
    await expect(broker.client.acceptSession('q', 's')).rejects.toMatchObject({
      code: 'SessionCannotBeLocked',
    });
    expect(broker.lines.join('\n')).toContain(`${said}: message sessions`);
    await expect(broker.client.createReceiver('t', 's').receiveMessages(1)).rejects.toThrow(said);
    await expect(broker.client.createRuleManager('t', 's').deleteRule('r')).rejects.toThrow(said);
    await broker.client.createSender('q').sendMessages({ body: 1 });
    const { receiver, messages } = await receive(broker, 'q', 1);
    await expect(receiver.deferMessage(messages[0]!)).rejects.toThrow(said);
    await expect(receiver.receiveDeferredMessages(messages[0]!.sequenceNumber!)).rejects.toThrow(said);
  });

  test('a wrong key is refused', async () => {
    const wrong = broker.connectionString.replace(/SharedAccessKey=[^;]*/, 'SharedAccessKey=wrong');
    const client = new ServiceBusClient(wrong, { retryOptions: { maxRetries: 0, retryDelayInMs: 10 } });
    await expect(client.createSender('q').sendMessages({ body: 1 })).rejects.toMatchObject({
      code: 'UnauthorizedAccess',
    });
    await client.close();
  });
});
