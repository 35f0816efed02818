import { waitFor } from '../../../support/waitFor.js';
import { longWaitMs, nextRenewal, receive, useBroker } from './support/useBroker.js';

describe('receiving', () => {
  const names = [
    'peek',
    'wait',
    'delete',
    'iterate',
    'renew',
    'many',
    'fair',
    'credit',
    'drain',
    'locked-head',
  ];
  // The renewal of a lock comes soon after the start of a short lock. No other lock ends, also on a slow machine.
  const broker = useBroker(
    names.map((name) => ({ name, lockDurationMs: name === 'renew' ? 5_000 : 300_000 })),
  );
  const send = async (queue: string, count: number) => {
    const sender = broker.client.createSender(queue);
    for (let n = 0; n < count; n += 500) {
      await sender.sendMessages(
        Array.from({ length: Math.min(500, count - n) }, (_, at) => ({ body: n + at })),
      );
    }
    await sender.close();
  };
  const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);

  test('peek pages through all messages, locked ones too, and locks none', async () => {
    await send('peek', 300);
    const { messages } = await receive(broker, 'peek', 2);
    const receiver = broker.client.createReceiver('peek');
    const first = await receiver.peekMessages(100);
    const second = await receiver.peekMessages(500);
    expect([...first, ...second].map(({ body }) => body)).toEqual(upTo(300));
    expect(await receiver.peekMessages(1)).toEqual([]);
    const from = await receiver.peekMessages(2, { fromSequenceNumber: first[9]!.sequenceNumber! });
    expect(from.map(({ sequenceNumber }) => sequenceNumber!.toNumber())).toEqual([10, 11]);
    expect(messages.map(({ body }) => body)).toEqual([0, 1]);
  });

  test('receiveMessages takes what is there within its time, and no more than it may', async () => {
    const receiver = broker.client.createReceiver('wait');
    expect(await receiver.receiveMessages(5, { maxWaitTimeInMs: 50 })).toEqual([]);
    await send('wait', 7);
    expect(
      (await receiver.receiveMessages(5, { maxWaitTimeInMs: longWaitMs })).map(({ body }) => body),
    ).toEqual(upTo(5));
    expect(
      (await receiver.receiveMessages(5, { maxWaitTimeInMs: longWaitMs })).map(({ body }) => body),
    ).toEqual([5, 6]);
    const late = receiver.receiveMessages(1, { maxWaitTimeInMs: longWaitMs });
    await send('wait', 1);
    expect(await late).toHaveLength(1);
  });

  test('receiveAndDelete leaves nothing to settle', async () => {
    await send('delete', 3);
    const receiver = broker.client.createReceiver('delete', { receiveMode: 'receiveAndDelete' });
    const received = await receiver.receiveMessages(2, { maxWaitTimeInMs: longWaitMs });
    expect(received.map(({ body, lockToken }) => [body, lockToken])).toEqual([
      [0, undefined],
      [1, undefined],
    ]);
    expect((await broker.client.createReceiver('delete').peekMessages(5)).map(({ body }) => body)).toEqual([
      2,
    ]);
  });

  test('the async iterator goes through the queue', async () => {
    await send('iterate', 3);
    const receiver = broker.client.createReceiver('iterate');
    const seen: number[] = [];
    for await (const message of receiver.getMessageIterator()) {
      seen.push(message.body);
      await receiver.completeMessage(message);
      if (seen.length === 3) break;
    }
    expect(seen).toEqual([0, 1, 2]);
    await receiver.close();
  });

  test('a receiver renews its lock while a handler works', async () => {
    await send('renew', 1);
    const receiver = broker.client.createReceiver('renew');
    const renewal = nextRenewal(broker.engine, 'renew');
    const [message] = await receiver.receiveMessages(1);
    expect(await renewal).toBeGreaterThan(message!.lockedUntilUtc!.getTime());
    await receiver.completeMessage(message!);
    expect(await receiver.peekMessages(1)).toEqual([]);
    await receiver.close();
  });

  test('more than 10,000 messages go through one receiver', async () => {
    const count = 10_500;
    await send('many', count);
    const receiver = broker.client.createReceiver('many', { maxAutoLockRenewalDurationInMs: 0 });
    const seen = new Set<number>();
    await new Promise<void>((resolve, reject) => {
      receiver.subscribe(
        {
          async processMessage({ body }) {
            seen.add(body);
            if (seen.size === count) resolve();
          },
          processError: async ({ error }) => reject(error),
        },
        { maxConcurrentCalls: 200 },
      );
    });
    await receiver.close();
    expect(seen.size).toBe(count);
    expect(await broker.client.createReceiver('many').peekMessages(1)).toEqual([]);
  });

  test('several receivers on one queue share it', async () => {
    const counts = [0, 0, 0];
    let sent = 0;
    let onMessage = () => {};
    const receivers = counts.map((_, n) => {
      const receiver = broker.client.createReceiver('fair');
      const processMessage = async () => {
        counts[n]!++;
        onMessage();
      };
      receiver.subscribe({ processMessage, processError: async () => {} }, { maxConcurrentCalls: 5 });
      return receiver;
    });
    // All receivers must be attached before the count starts.
    for (; counts.includes(0); sent++) await send('fair', 1);
    const before = [...counts];
    const total = sent + 600;
    const all = new Promise<void>((resolve) => {
      onMessage = () => counts.reduce((sum, count) => sum + count) === total && resolve();
    });
    await send('fair', 600);
    await all;
    for (const [n, count] of counts.entries()) expect(count - before[n]!).toBeGreaterThan(100);
    // The SDK waits a minute for a settlement whose link is closed meanwhile.
    await waitFor(
      'all messages are settled',
      () => broker.engine.find('fair')!.messages.main.counts.locked === 0,
    );
    for (const receiver of receivers) await receiver.close();
  });

  test('no more messages are locked than a receiver has room for', async () => {
    await send('credit', 50);
    const receiver = broker.client.createReceiver('credit');
    const released = Promise.withResolvers<void>();
    const full = Promise.withResolvers<void>();
    let started = 0;
    const processMessage = async () => {
      if (++started === 7) full.resolve();
      await released.promise;
    };
    receiver.subscribe({ processMessage, processError: async () => {} }, { maxConcurrentCalls: 7 });
    await full.promise;
    // The broker has handled all earlier requests of this connection when the peek returns.
    await receiver.peekMessages(1);
    expect(started).toBe(7);
    expect(broker.engine.find('credit')!.messages.main.counts).toMatchObject({ locked: 7, available: 43 });
    released.resolve();
    await receiver.close();
  });

  test('a receiver without open requests holds no locks', async () => {
    await send('drain', 10);
    const receiver = broker.client.createReceiver('drain');
    for (let n = 0; n < 5; n++) {
      const [message] = await receiver.receiveMessages(1);
      await receiver.completeMessage(message!);
    }
    expect(broker.engine.find('drain')!.messages.main.counts).toMatchObject({ locked: 0, available: 5 });
  });

  test('a message with a long lock does not delay later messages', async () => {
    await send('locked-head', 3000);
    const receiver = broker.client.createReceiver('locked-head', { maxAutoLockRenewalDurationInMs: 60_000 });
    const [held] = await receiver.receiveMessages(1);
    let completed = 0;
    const others = broker.client.createReceiver('locked-head');
    await new Promise<void>((resolve) => {
      const processMessage = async () => {
        if (++completed === 2999) resolve();
      };
      others.subscribe({ processMessage, processError: async () => {} }, { maxConcurrentCalls: 100 });
    });
    await others.close();
    await receiver.completeMessage(held!);
    await receiver.close();
  });
});
