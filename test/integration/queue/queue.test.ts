import { randomUUID } from 'node:crypto';
import { createServer, type Socket } from 'node:net';
import { ServiceBusClient } from '@azure/service-bus';
import type { Credits } from '../../../local/simulators/servicebus/engine/Credits.js';
import { startBroker } from '../../../local/simulators/servicebus/startBroker.js';
import { freePort, listen } from '../../../local/simulators/shared/loopback.js';
import { contentOf, type ProvisioningMessage, parseMessage } from '../../../src/queue/messages.js';
import { patientQueue } from '../../../src/queue/patientQueue.js';
import { openQueue, type PeekedDeadLetter, type Queue } from '../../../src/queue/queue.js';
import { startProxy } from '../../support/startProxy.js';
import { everythingIn, thrownBy } from '../../support/thrownBy.js';
import { waitFor } from '../../support/waitFor.js';
import { useBroker } from '../local/servicebus/support/useBroker.js';

const names = [
  'sent',
  'scheduled',
  'twice',
  'peeked',
  'removed',
  'gone',
  'actions',
  'silent',
  'busy',
  'values',
];
const broker = useBroker(names.map((name) => ({ name, duplicateWindowMs: 20_000 })));
const queues: Queue[] = [];
const open = (queue: string, connectionString = broker.connectionString, callTimeoutMs = 60_000) => {
  const opened = openQueue({ connection: { connectionString }, queue, callTimeoutMs });
  queues.push(opened);
  return opened;
};
afterAll(() => Promise.all(queues.map((queue) => queue.close())));

const message = (generation = 1): ProvisioningMessage => ({
  v: 1,
  uuid: 'ab'.repeat(16),
  requestId: randomUUID(),
  generation,
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
  expect((await peek('twice')).map(({ body }) => body.generation)).toEqual([1]);
});

test('the whole dead-letter queue can be read repeatedly without a lock', async () => {
  const queue = open('peeked');
  expect(await deadLettersOf(queue)).toEqual([]);
  const bodies = await deadLetter(queue, 'peeked', 600);
  const deadLetters = await deadLettersOf(queue);
  expect(deadLetters.map(({ body }) => body)).toEqual(bodies);
  expect(deadLetters[0]).toMatchObject({
    sequenceNumber: expect.stringMatching(/^\d+$/),
    reason: 'because',
    description: 'of that',
    enqueuedAt: expect.any(Number),
  });
  expect(await deadLettersOf(queue)).toEqual(deadLetters);
});

test('of the dead letters those that are named are removed, wherever they lie, and the others are put back', async () => {
  const queue = open('removed');
  await deadLetter(queue, 'removed', 600);
  const before = await deadLettersOf(queue);
  const doomed = before
    .filter((_, at) => at % 7 === 3 || at > 590)
    .map(({ sequenceNumber }) => sequenceNumber);
  expect(await queue.removeDeadLetters(new Set(doomed), 30_000)).toBe(doomed.length);
  const left = before.filter(({ sequenceNumber }) => !doomed.includes(sequenceNumber));
  expect(await deadLettersOf(queue)).toEqual(left);
  // No message is locked any more.
  const all = new Set(left.map(({ sequenceNumber }) => sequenceNumber));
  expect(await queue.removeDeadLetters(all, 30_000)).toBe(left.length);
  expect(await deadLettersOf(queue)).toEqual([]);
});

test.each([
  ['an object', (body: object) => body],
  ['a text', (body: object) => JSON.stringify(body)],
])('a dead letter whose body is %s as an AMQP value is read like any other', async (_, made) => {
  const body = message();
  const sender = broker.client.createSender('values');
  await sender.sendMessages({ bodyType: 'value', body: made(body), properties: { messageId: randomUUID() } });
  await sender.close();
  const receiver = broker.client.createReceiver('values');
  const [received] = await receiver.receiveMessages(1, { maxWaitTimeInMs: 20_000 });
  await receiver.deadLetterMessage(received!);
  await receiver.close();
  const found = (await deadLettersOf(open('values'))).map((each) => parseMessage(contentOf(each.body)));
  expect(found.at(-1)).toEqual(body);
});

test('the removal does not wait for a dead letter that is gone', async () => {
  const queue = open('gone');
  await deadLetter(queue, 'gone', 3);
  expect(await queue.removeDeadLetters(new Set(['1000']), 30_000)).toBe(0);
  expect(await deadLettersOf(queue)).toHaveLength(3);
});

test('the message of a bulk action is sent like any other', async () => {
  const body = { v: 1 as const, action: randomUUID(), generation: 1, due: 0 };
  await open('actions').sendWakeUp(body, { messageId: `${body.action}.1`, at: 0 });
  expect(await peek('actions')).toMatchObject([
    { body, messageId: `${body.action}.1`, correlationId: body.action },
  ]);
});

const unavailable = { code: 'queue-unavailable', outcomeUnknown: true };
const calls: [string, (queue: Queue) => Promise<unknown>][] = [
  ['send', (queue) => queue.send(message(), { messageId: randomUUID(), at: 0 })],
  ['send for later', (queue) => queue.send(message(), { messageId: randomUUID(), at: Date.now() + 60_000 })],
  ['deadLetters', deadLettersOf],
  ['removeDeadLetters', (queue) => queue.removeDeadLetters(new Set(['1']), 10_000)],
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
    // The deadline of this queue is short, so the first call may need several attempts on a busy machine.
    await waitFor('a call succeeds', () => call(queue).then(() => true));
    proxy.freeze();
    expect(await thrownBy(call(queue))).toMatchObject(unavailable);
    await proxy.stop();
    await queue.close();
  });
});

test('a queue is there again after an outage of the broker', async () => {
  const options = { queues: [{ name: 'outage' }], log: () => {} };
  const first = await startBroker({ port: await freePort(), ...options });
  const queue = open('outage', first.endpoints.connectionString, 2_000);
  await waitFor('the queue is reached', () => queue.ping().then(() => true));
  await first.close();
  const send = (messageId: string) => queue.send(message(), { messageId, at: 0 });
  expect(await thrownBy(send('meanwhile'))).toMatchObject(unavailable);
  const second = await startBroker({ port: first.endpoints.port, ...options });
  await waitFor('a message is sent', () => send('after').then(() => true));
  await waitFor('the queue is reached', () => queue.ping().then(() => true));
  expect(await deadLettersOf(queue)).toEqual([]);
  const client = new ServiceBusClient(second.endpoints.connectionString);
  const ids = (await client.createReceiver('outage').peekMessages(10)).map(({ messageId }) => messageId);
  expect(ids).toContain('after');
  await client.close();
  await queue.close();
  await second.close();
});

async function deadLettersOf(queue: Queue): Promise<PeekedDeadLetter[]> {
  const found: PeekedDeadLetter[] = [];
  for await (const deadLetter of queue.deadLetters()) found.push(deadLetter);
  return found;
}

/** Sends messages and dead-letters each message, as the host of the worker does. */
async function deadLetter(queue: Queue, name: string, count: number): Promise<ProvisioningMessage[]> {
  const bodies = Array.from({ length: count }, (_, index) => message(index));
  for (const [index, body] of bodies.entries())
    await queue.send(body, { messageId: `${name}.${index}`, at: 0 });
  const receiver = broker.client.createReceiver(name);
  for (let left = count; left > 0; ) {
    const received = await receiver.receiveMessages(left, { maxWaitTimeInMs: 2_000 });
    for (const each of received)
      await receiver.deadLetterMessage(each, {
        deadLetterReason: 'because',
        deadLetterErrorDescription: 'of that',
      });
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

describe('the message of a refused call names', () => {
  const calls: [string, (queue: Queue) => Promise<unknown>][] = [
    ['send', (queue) => queue.send(message(), { messageId: randomUUID(), at: 0 })],
    ['ping', (queue) => queue.ping()],
    ['deadLetters', deadLettersOf],
  ];

  test.each(calls)('rejected credentials, at %s', async (_, call) => {
    const rotated = broker.connectionString.replace(/SharedAccessKey=[^;]+/, 'SharedAccessKey=an-older-key');
    const error = await thrownBy(call(open('busy', rotated)));
    expect(error).toMatchObject({
      code: 'queue-unavailable',
      message: expect.stringContaining('rejects our credentials (UnauthorizedAccess)'),
    });
    expect(everythingIn(error)).not.toContain('an-older-key');
  });
});

describe('a namespace without credits', () => {
  let credits: Credits;
  beforeAll(() => {
    credits = broker.engine.credits;
  });
  const send = (queue: Queue) => queue.send(message(), { messageId: randomUUID(), at: 0 });
  const throttled = {
    code: 'queue-throttled',
    message: expect.stringContaining('limits our requests (ServerBusy)'),
  };
  /** A queue whose waits end at once, and which has new credits after some waits. */
  const patient = (queue: Queue, waits: number, refilledAfter: number) => {
    const waited: number[] = [];
    const clock = {
      async sleep(ms: number) {
        if (waited.push(ms) === refilledAfter) credits.limitTo(Infinity);
      },
    };
    return { waited, queue: patientQueue(queue, { clock, random: () => 0.5, waits }) };
  };
  afterEach(() => credits.limitTo(Infinity));

  test('refuses sends and pings, and the SDK does not use up further credits', async () => {
    const queue = open('busy');
    await send(queue);
    credits.limitTo(0);
    for (const call of [send, (each: Queue) => each.ping()]) {
      const before = credits.counts().refused;
      expect(await thrownBy(call(queue))).toMatchObject(throttled);
      expect(credits.counts().refused - before).toBe(1);
    }
  });

  test('a send waits 2 s and more for new credits, and nothing is lost', async () => {
    const { waited, queue } = patient(open('busy'), 3, 2);
    credits.limitTo(0);
    const body = message();
    await queue.send(body, { messageId: 'patient', at: 0 });
    expect(waited).toEqual([3_000, 6_000]);
    const found = (await peek('busy')).filter(({ messageId }) => messageId === 'patient');
    expect(found.map((each) => each.body)).toEqual([body]);
  });

  test('after its waits, a send fails with the cause', async () => {
    const { waited, queue } = patient(open('busy'), 1, 2);
    credits.limitTo(0);
    expect(await thrownBy(send(queue))).toMatchObject(throttled);
    expect(waited).toEqual([3_000]);
  });
});
