import { testEngine } from './testEngine.js';

const SECONDS = 1000;
const MINUTES = 60 * SECONDS;

test('messages are delivered in the order in which they were sent, an abandoned one before later ones', () => {
  const { send, receive, queue } = testEngine();
  send('a', 'b', 'c');
  const [a, b] = receive(2);
  queue.abandon(b!.lockToken!);
  queue.abandon(a!.lockToken!);
  expect(receive(3).map(({ body, deliveryCount }) => [body, deliveryCount])).toEqual([
    ['a', 1],
    ['b', 1],
    ['c', 0],
  ]);
});

test('several consumers share fairly, and none gets more than its credit', () => {
  const { send, queue, turn } = testEngine();
  const got: string[][] = [[], [], []];
  got.forEach((own, n) => {
    const credit = n === 2 ? 1 : 5;
    queue.consume('main', {
      mode: 'peekLock',
      credit: () => credit - own.length,
      deliver: (_message, payload) => own.push(payload.toString()),
    });
  });
  turn();
  send('1', '2', '3', '4', '5', '6', '7');
  expect(got.map(({ length }) => length).sort()).toEqual([1, 3, 3]);
  send('8', '9', '10', '11', '12', '13');
  expect(got.map(({ length }) => length).sort()).toEqual([1, 5, 5]);
});

test('a lock ends after its duration, and its token is then invalid', () => {
  const { send, receive, queue, clock, turn } = testEngine({ lockDurationMs: 30 * SECONDS });
  send('a');
  const [first] = receive();
  expect(first!.lockedUntil).toBe(clock.now() + 30 * SECONDS);
  clock.advance(29 * SECONDS);
  expect(queue.renew(first!.lockToken!)).toBe(clock.now() + 30 * SECONDS);
  clock.advance(29 * SECONDS);
  turn();
  expect(receive()).toEqual([]);
  clock.advance(1 * SECONDS);
  turn();
  expect(() => queue.complete(first!.lockToken!)).toThrow(expect.objectContaining({ code: 'lock-lost' }));
  expect(receive()[0]).toMatchObject({ body: 'a', deliveryCount: 1 });
});

test('a lock is lost at its very end, even if the timer has not fired yet', () => {
  const { send, receive, queue, clock } = testEngine({ lockDurationMs: 30 * SECONDS });
  send('a');
  const [message] = receive();
  const end = clock.now() + 30 * SECONDS;
  clock.at = end;
  expect(() => queue.complete(message!.lockToken!)).toThrow(expect.objectContaining({ code: 'lock-lost' }));
});

test('after MaxDeliveryCount failures a message becomes a dead letter, and deliveries of a dead letter do not count', () => {
  const { send, receive, queue, bodies, clock, turn } = testEngine({ maxDeliveryCount: 2 });
  send('a');
  for (let n = 0; n < 2; n++) queue.abandon(receive()[0]!.lockToken!);
  expect(bodies()).toEqual([]);
  expect(bodies('dead')).toEqual(['a MaxDeliveryCountExceeded']);
  for (let n = 0; n < 4; n++) {
    const [dead] = receive(1, 'dead');
    expect(dead!.deliveryCount).toBe(2);
    if (n % 2) queue.abandon(dead!.lockToken!);
    else clock.advance(60 * SECONDS);
    turn();
  }
});

test('a released message is available again, and its delivery does not count', () => {
  const { send, receive, queue, bodies } = testEngine({ maxDeliveryCount: 2 });
  send('a', 'b');
  for (let n = 0; n < 5; n++) {
    const [message] = receive();
    expect(message).toMatchObject({ body: 'a', deliveryCount: 0 });
    queue.release(message!.lockToken!);
  }
  expect(bodies()).toEqual(['a', 'b']);
  expect(() => queue.release('unknown')).toThrow(expect.objectContaining({ code: 'lock-lost' }));
});

test('the time to live of the queue caps the time of a message, of a scheduled message at its time', () => {
  const { queue, turn, clock } = testEngine({ timeToLiveMs: 10 * SECONDS });
  const payload = Buffer.from('x');
  queue.send([
    { payload },
    { payload, timeToLiveMs: 20 * SECONDS },
    { payload, timeToLiveMs: 5 * SECONDS },
    { payload, timeToLiveMs: 20 * SECONDS, scheduledFor: clock.now() + 60 * SECONDS },
  ]);
  turn();
  const shown = () =>
    [...queue.peek('main', 0)].map(({ message }) => [message.timeToLiveMs, message.expiresAt]);
  const now = clock.now();
  expect(shown()).toEqual([
    [10 * SECONDS, now + 10 * SECONDS],
    [10 * SECONDS, now + 10 * SECONDS],
    [5 * SECONDS, now + 5 * SECONDS],
    [20 * SECONDS, undefined],
  ]);
  clock.advance(60 * SECONDS);
  turn();
  expect(shown()).toEqual([[10 * SECONDS, clock.now() + 10 * SECONDS]]);
});

test('an expired message is removed or dead-lettered, but not during a lock', () => {
  for (const deadLetterOnExpiry of [false, true]) {
    const { send, receive, clock, turn, bodies, queue } = testEngine({
      timeToLiveMs: 10 * SECONDS,
      deadLetterOnExpiry,
    });
    send('a', 'b');
    queue.send([{ payload: Buffer.from('short'), timeToLiveMs: 5 * SECONDS }]);
    queue.send([{ payload: Buffer.from('long'), timeToLiveMs: 50 * SECONDS }]);
    const [a] = receive();
    clock.advance(5 * SECONDS);
    turn();
    expect(bodies()).toEqual(['a', 'b', 'long']);
    clock.advance(5 * SECONDS);
    turn();
    expect(bodies()).toEqual(['a']);
    queue.abandon(a!.lockToken!);
    turn();
    expect(receive()).toEqual([]);
    const expired = ['a', 'b', 'short', 'long'].map((body) => `${body} TTLExpiredException`);
    expect(bodies('dead')).toEqual(deadLetterOnExpiry ? expired : []);
  }
});

test('an id counts as duplicate until its window ends, even after the message was completed', () => {
  const { queue, receive, clock, turn, bodies } = testEngine({ duplicateWindowMs: 1 * MINUTES });
  const send = (body: string) => queue.send([{ payload: Buffer.from(body), messageId: 'same' }]);
  expect(send('1')).toEqual([1]);
  queue.complete(receive()[0]!.lockToken!);
  clock.advance(59 * SECONDS);
  expect(send('2')).toEqual([2]);
  expect(bodies()).toEqual([]);
  clock.advance(1 * SECONDS);
  expect(send('3')).toEqual([3]);
  turn();
  expect(bodies()).toEqual(['3']);
});

test('one turn is one commit, and callers are notified only after the commit', () => {
  const { engine, queue, store, turn } = testEngine();
  const notified: string[] = [];
  const commits = store.commits;
  for (const body of ['a', 'b', 'c']) {
    queue.send([{ payload: Buffer.from(body) }]);
    engine.journal.whenDurable(() => notified.push(body));
  }
  expect(notified).toEqual([]);
  turn();
  expect(notified).toEqual(['a', 'b', 'c']);
  expect(store.commits).toBe(commits + 1);
});

test('when the store refuses a commit, the engine restores the previous state and retries later', async () => {
  const { engine, send, receive, queue, store, clock, turn, bodies } = testEngine({
    duplicateWindowMs: 1 * MINUTES,
  });
  send('a', 'b');
  const [a] = receive();
  store.refusing = true;
  queue.complete(a!.lockToken!);
  queue.send([{ payload: Buffer.from('c'), messageId: 'c' }]);
  const committed = engine.durable();
  turn();
  await expect(committed).rejects.toMatchObject({ code: 'store-unavailable' });
  expect(bodies()).toEqual(['a', 'b']);
  expect(receive()).toEqual([]);
  store.refusing = false;
  queue.complete(a!.lockToken!);
  queue.send([{ payload: Buffer.from('c'), messageId: 'c' }]);
  clock.advance(1 * SECONDS);
  turn();
  expect(receive(2).map(({ body }) => body)).toEqual(['b', 'c']);
});

test('a consumer with receiveAndDelete holds no lock', () => {
  const { send, receive, bodies } = testEngine();
  send('a', 'b');
  expect(receive(1, 'main', 'receiveAndDelete').map(({ body, lockToken }) => [body, lockToken])).toEqual([
    ['a', undefined],
  ]);
  expect(bodies()).toEqual(['b']);
});

test('payloads beyond the memory limit are read from the store', () => {
  const { send, receive, queue, turn } = testEngine();
  const body = 'x'.repeat(1024 * 1024);
  for (let n = 0; n < 40; n++) send(`${n}${body}`);
  const evicted = [...queue.messages.main.messages.from(0)].filter(({ payload }) => payload === undefined);
  expect(evicted.length).toBeGreaterThan(0);
  const received = receive(40);
  expect(received.map((message) => message.body.slice(0, 2).replace('x', ''))).toEqual(
    Array.from({ length: 40 }, (_, n) => String(n)),
  );
  for (const { lockToken } of received) queue.complete(lockToken!);
  turn();
  expect(queue.messages.size).toBe(0);
});

test('a queue that is deleted and created again is empty', () => {
  const { engine, send, queue, turn } = testEngine();
  send('a');
  engine.remove(queue);
  const again = engine.create({ name: 'Q' });
  turn();
  expect([...again.peek('main', 0)]).toEqual([]);
  expect(engine.find('q')).toBe(again);
});
