import { handClock } from '../../../support/handClock.js';
import { receive, useBroker } from './support/useBroker.js';

const MINUTES = 60_000;

describe('scheduling', () => {
  const clock = handClock(Date.now());
  const queues = [
    { name: 'q' },
    { name: 'cancelled' },
    { name: 'dropping' },
    { name: 'burying', deadLetterOnExpiry: true },
    { name: 'detected', duplicateWindowMs: 10 * MINUTES },
  ];
  const broker = useBroker(queues, { clock });

  test('a scheduled message comes when it is due, with a new sequence number', async () => {
    const sender = broker.client.createSender('q');
    const due = new Date(clock.now() + 5 * MINUTES);
    const [scheduled] = await sender.scheduleMessages({ body: 'later' }, due);
    await sender.sendMessages({ body: 'also later', scheduledEnqueueTimeUtc: due });
    const peeked = await broker.client.createReceiver('q').peekMessages(2);
    expect(peeked.map(({ state }) => state)).toEqual(['scheduled', 'scheduled']);
    clock.advance(5 * MINUTES);
    const { messages } = await receive(broker, 'q', 2);
    expect(messages[0]!.enqueuedTimeUtc!.getTime()).toBeGreaterThanOrEqual(due.getTime());
    expect(messages[0]!.sequenceNumber!.toNumber()).toBeGreaterThan(scheduled!.toNumber());
    expect(messages.map(({ body }) => body)).toEqual(['later', 'also later']);
  });

  test('a cancelled message does not come, and cannot be cancelled twice', async () => {
    const sender = broker.client.createSender('cancelled');
    const numbers = await sender.scheduleMessages(
      [{ body: 1 }, { body: 2 }],
      new Date(clock.now() + 1 * MINUTES),
    );
    await sender.cancelScheduledMessages(numbers);
    expect(await broker.client.createReceiver('cancelled').peekMessages(2)).toEqual([]);
    await expect(sender.cancelScheduledMessages(numbers)).rejects.toMatchObject({ code: 'MessageNotFound' });
  });

  test('a message that outlives its time to live is dropped, or becomes a dead letter', async () => {
    for (const [queue, reason] of [
      ['dropping', undefined],
      ['burying', 'TTLExpiredException'],
    ] as const) {
      await broker.client.createSender(queue).sendMessages([{ body: 1, timeToLive: 1000 }, { body: 2 }]);
      clock.advance(1000);
      const left = await broker.client.createReceiver(queue).peekMessages(5);
      expect(left.map(({ body }) => body)).toEqual([2]);
      const dead = await broker.client.createReceiver(queue, { subQueueType: 'deadLetter' }).peekMessages(5);
      expect(dead.map(({ deadLetterReason }) => deadLetterReason)).toEqual(reason ? [reason] : []);
    }
  });

  test('a duplicate is accepted and dropped, scheduled or not', async () => {
    const sender = broker.client.createSender('detected');
    await sender.scheduleMessages({ body: 1, messageId: 'same' }, new Date(clock.now() + 1 * MINUTES));
    await sender.scheduleMessages({ body: 2, messageId: 'same' }, new Date(clock.now() + 1 * MINUTES));
    await sender.sendMessages({ body: 3, messageId: 'same' });
    await sender.sendMessages([
      { body: 4, messageId: 'other' },
      { body: 5, messageId: 'other' },
      { body: 6 },
    ]);
    const peeked = await broker.client.createReceiver('detected').peekMessages(10);
    expect(peeked.map(({ body }) => body)).toEqual([1, 4, 6]);
  });
});
