import { randomUUID } from 'node:crypto';
import { createServer, type Socket } from 'node:net';
import { ServiceBusClient } from '@azure/service-bus';
import { listen } from '../../local/listen.js';
import { startBroker } from '../../local/servicebus/startBroker.js';
import { openQueue, type Queue } from '../../src/edges/queue.js';
import type { ProvisioningMessage } from '../../src/message/ProvisioningMessage.js';
import { useBroker } from '../local/servicebus/support/useBroker.js';
import { startProxy } from './startProxy.js';
import { everythingIn, thrownBy } from './thrownBy.js';

const names = ['sent', 'scheduled', 'twice', 'peeked', 'received', 'silent', 'complete', 'release'];
const broker = useBroker(names.map((name) => ({ name, duplicateWindowMs: 20_000 })));
const queues: Queue[] = [];
const open = (queue: string, connectionString = broker.connectionString, callTimeoutMs?: number) => {
  const opened = openQueue({ connection: { connectionString }, queue, callTimeoutMs });
  queues.push(opened);
  return opened;
};
afterAll(() => Promise.all(queues.map((queue) => queue.close())));

const message = (n = 1): ProvisioningMessage => ({
  v: 1,
  uuid: 'ab'.repeat(16),
  requestId: randomUUID(),
  n,
  due: 0,
  operation: 'provision',
  service: 'main',
});
const peek = (queue: string) => broker.client.createReceiver(queue).peekMessages(10);

test('a message that is due is sent at once, with its id, as JSON', async () => {
  const body = message();
  await open('sent').send(body, { messageId: 'a.1', at: Date.now() - 1 });
  expect(await peek('sent')).toMatchObject([
    {
      body,
      messageId: 'a.1',
      correlationId: body.requestId,
      contentType: 'application/json',
      state: 'active',
    },
  ]);
});

test('a message that is due later is scheduled for then', async () => {
  const at = Date.now() + 60_000;
  await open('scheduled').send(message(), { messageId: 'b.1', at });
  expect(await peek('scheduled')).toMatchObject([
    { messageId: 'b.1', state: 'scheduled', scheduledEnqueueTimeUtc: new Date(at) },
  ]);
});

test('a message that was sent already is not sent again, and that is fine', async () => {
  const queue = open('twice');
  await queue.send(message(1), { messageId: 'c.1', at: 0 });
  await queue.send(message(2), { messageId: 'c.1', at: 0 });
  expect((await peek('twice')).map(({ body }) => body.n)).toEqual([1]);
});

test('the head of the dead-letter queue can be looked at again and again, without locking anything', async () => {
  const queue = open('peeked');
  expect(await queue.peekDeadLetters(10)).toEqual([]);
  const bodies = await deadLetter(queue, 'peeked', 3);
  const head = bodies.slice(0, 2).map((body, at) => ({ body, messageId: `peeked.${at}` }));
  expect(await queue.peekDeadLetters(2)).toEqual(head);
  expect(await queue.peekDeadLetters(2)).toEqual(head);
  expect(await queue.receiveDeadLetters(10)).toHaveLength(3);
});

test('a dead letter that was received is completed, or put back', async () => {
  const queue = open('received');
  const bodies = await deadLetter(queue, 'received', 2);
  const letters = await queue.receiveDeadLetters(10);
  expect(letters).toMatchObject([
    { body: bodies[0], messageId: 'received.0', sequenceNumber: expect.stringMatching(/^\d+$/) },
    { body: bodies[1], messageId: 'received.1' },
  ]);
  expect(await queue.receiveDeadLetters(10)).toEqual([]);
  await letters[0]!.complete();
  await letters[1]!.release();
  const again = await queue.receiveDeadLetters(10);
  expect(again).toMatchObject([{ messageId: 'received.1' }]);
});

test('the queue answers a ping, however often', async () => {
  const queue = open('sent');
  await queue.ping();
  await queue.ping();
});

const unavailable = { code: 'queue-unavailable', retry: 'later', outcomeUnknown: true };
const calls: [string, (queue: Queue) => Promise<unknown>][] = [
  ['send', (queue) => queue.send(message(), { messageId: randomUUID(), at: 0 })],
  ['send for later', (queue) => queue.send(message(), { messageId: randomUUID(), at: Date.now() + 60_000 })],
  ['peekDeadLetters', (queue) => queue.peekDeadLetters(1)],
  ['receiveDeadLetters', (queue) => queue.receiveDeadLetters(1)],
  ['ping', (queue) => queue.ping()],
];

describe.each(calls)('%s', (_, call) => {
  test('says that the queue is unavailable where there is no such queue', async () => {
    expect(await thrownBy(call(open('none')))).toMatchObject(unavailable);
  });

  test('says that the queue is unavailable where nothing listens, and carries no key', async () => {
    const server = createServer();
    const port = await listen(server, 0);
    await new Promise((resolve) => server.close(resolve));
    const error = await thrownBy(call(open('sent', at(port), 1_000)));
    expect(error).toMatchObject(unavailable);
    expect(everythingIn(error)).not.toMatch(/local-broker-key|SharedAccess/);
  });

  test('gives up at its deadline where nothing answers', async () => {
    const silent = await startSilent();
    const queue = openQueue({
      connection: { connectionString: at(silent.port) },
      queue: 'sent',
      callTimeoutMs: 300,
    });
    expect(await thrownBy(call(queue))).toMatchObject(unavailable);
    silent.close();
    await queue.close();
  });

  test('gives up at its deadline where the connection falls silent', async () => {
    const proxy = await startProxy(broker.port);
    const queue = openQueue({
      connection: { connectionString: at(proxy.port) },
      queue: 'silent',
      callTimeoutMs: 600,
    });
    await call(queue);
    proxy.freeze();
    expect(await thrownBy(call(queue))).toMatchObject(unavailable);
    await proxy.stop();
    await queue.close();
  });
});

test.each(['complete', 'release'] as const)('%s of a dead letter has a deadline, too', async (settle) => {
  const proxy = await startProxy(broker.port);
  const queue = openQueue({
    connection: { connectionString: at(proxy.port) },
    queue: settle,
    callTimeoutMs: 600,
  });
  await deadLetter(queue, settle, 1);
  const [letter] = await queue.receiveDeadLetters(1);
  proxy.freeze();
  expect(await thrownBy(letter![settle]())).toMatchObject(unavailable);
  await proxy.stop();
  await queue.close();
});

test('a queue is there again after an outage of the broker', async () => {
  const options = { queues: [{ name: 'outage' }], log: () => {} };
  const first = await startBroker({ port: 0, ...options });
  const queue = open('outage', first.endpoints.connectionString, 1_000);
  await queue.send(message(), { messageId: 'before', at: 0 });
  await queue.ping();
  await first.close();
  const send = (messageId: string) => queue.send(message(), { messageId, at: 0 });
  expect(await thrownBy(send('meanwhile'))).toMatchObject(unavailable);
  const second = await startBroker({ port: first.endpoints.port, ...options });
  await send('after');
  await queue.ping();
  expect(await queue.peekDeadLetters(1)).toEqual([]);
  const client = new ServiceBusClient(second.endpoints.connectionString);
  const ids = (await client.createReceiver('outage').peekMessages(10)).map(({ messageId }) => messageId);
  expect(ids).toContain('after');
  await client.close();
  await queue.close();
  await second.close();
}, 20_000);

/** Sends messages, and dead-letters them, as the worker's host would. */
async function deadLetter(queue: Queue, name: string, count: number): Promise<ProvisioningMessage[]> {
  const bodies = Array.from({ length: count }, (_, n) => message(n));
  for (const [n, body] of bodies.entries()) await queue.send(body, { messageId: `${name}.${n}`, at: 0 });
  const receiver = broker.client.createReceiver(name);
  for (let left = count; left > 0; ) {
    const received = await receiver.receiveMessages(left, { maxWaitTimeInMs: 2_000 });
    for (const each of received) await receiver.deadLetterMessage(each);
    left -= received.length;
  }
  await receiver.close();
  return bodies;
}

function at(port: number): string {
  return broker.connectionString.replace(`:${broker.port}`, `:${port}`);
}

/** Takes connections, and says nothing. */
async function startSilent() {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).resume();
  });
  return {
    port: await listen(server, 0),
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
