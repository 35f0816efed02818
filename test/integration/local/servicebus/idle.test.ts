import { handClock } from '../../../support/handClock.js';
import { waitFor } from '../../../support/waitFor.js';
import { longWaitMs, useBroker } from './support/useBroker.js';

const MINUTES = 60_000;

describe('idle links and connections', () => {
  const clock = handClock(Date.now());
  const broker = useBroker(
    ['used', 'unused', 'waiting'].map((name) => ({ name, lockDurationMs: 5 * MINUTES })),
    { clock },
  );
  const detached = (text: string) =>
    broker.lines.filter((line) => line.includes('is force detached') && line.includes(text));
  const isConnectionClosed = () => broker.lines.some((line) => line.includes('was inactive for more than'));

  test('a link without use for ten minutes is detached, and the client opens a new link', async () => {
    const [used, unused] = [broker.client.createSender('used'), broker.client.createSender('unused')];
    await used.sendMessages({ body: 1 });
    await unused.sendMessages({ body: 1 });
    clock.advance(9 * MINUTES);
    await used.sendMessages({ body: 2 });
    clock.advance(1 * MINUTES);
    expect(detached("'unused-")).toEqual([
      expect.stringMatching(
        /^client \d+: The link 'unused-.*' is force detached\. Code: publisher\. Details: AmqpMessagePublisher\.IdleTimerExpired: Idle timeout: 00:10:00\.$/,
      ),
    ]);
    expect(detached("'used-")).toEqual([]);
    // The answer to this request arrives after the detach.
    await broker.client.createReceiver('unused').peekMessages(1);
    await unused.sendMessages({ body: 2 });
    await used.sendMessages({ body: 3 });
  });

  test('a receiver that waits is detached too, and gets messages again', async () => {
    const bodies: unknown[] = [];
    const receiver = broker.client.createReceiver('waiting');
    receiver.subscribe({
      processMessage: async ({ body }) => {
        bodies.push(body);
      },
      processError: async () => {},
    });
    const sender = broker.client.createSender('waiting');
    await sender.sendMessages({ body: 'before' });
    await waitFor('the first message arrives', () => bodies.length === 1);
    clock.advance(10 * MINUTES);
    expect(detached("'waiting-").filter((line) => line.includes('Code: consumer'))).toHaveLength(1);
    await broker.client.createSender('waiting').sendMessages({ body: 'after' });
    await waitFor('the second message arrives', () => bodies.length === 2);
    await receiver.close();
  });

  test('a connection without links for five minutes is closed, and the client connects again', async () => {
    clock.advance(10 * MINUTES);
    clock.advance(5 * MINUTES - 1);
    expect(isConnectionClosed()).toBe(false);
    clock.advance(1);
    expect(isConnectionClosed()).toBe(true);
    await waitFor('the client connects again', async () => {
      await broker.client.createSender('used').sendMessages({ body: 4 });
      return true;
    });
    const receiver = broker.client.createReceiver('used', { receiveMode: 'receiveAndDelete' });
    const messages = await receiver.receiveMessages(4, { maxWaitTimeInMs: longWaitMs });
    expect(messages.map(({ body }) => body)).toEqual([1, 2, 3, 4]);
  });
});
