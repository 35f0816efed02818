import { createRequire } from 'node:module';
import type { ServiceBusMessage, ServiceBusReceivedMessage } from '@azure/service-bus';
import { longWaitMs, receive, useBroker } from './support/useBroker.js';

// rhea recognises typed values (uuid, double, ...) by its classes. `require` returns the same classes as in the SDK, because the
// package is CommonJS.
const { types, message: rheaMessage } = createRequire(import.meta.url)('rhea') as typeof import('rhea');

type AmqpAnnotatedMessage = ServiceBusReceivedMessage['_rawAmqpMessage'];

describe('a received message equals the sent message', () => {
  const broker = useBroker([{ name: 'q' }, { name: 'hour', timeToLiveMs: 3_600_000 }]);
  const roundTrip = async (message: ServiceBusMessage | AmqpAnnotatedMessage) => {
    await broker.client.createSender('q').sendMessages(message);
    const { receiver, messages } = await receive(broker, 'q', 1);
    await receiver.completeMessage(messages[0]!);
    await receiver.close();
    return messages[0]!;
  };

  test.each([
    ['an object', { a: [1, 'two', null], b: { c: true } }],
    ['a string', 'grüße 🌍'],
    ['a number', 3.25],
    ['null', null],
    ['bytes', Buffer.from([0, 1, 255])],
    ['nothing much', ''],
  ])('%s as the body', async (_name, body) => {
    expect((await roundTrip({ body })).body).toEqual(body);
  });

  test('AMQP values and sequences as the body', async () => {
    const value = await roundTrip({ body: { nested: [1, 2] }, bodyType: 'value' });
    expect(value).toMatchObject({ body: { nested: [1, 2] }, _rawAmqpMessage: { bodyType: 'value' } });
    const sequence = await roundTrip({ body: [1, 'two', [3]], bodyType: 'sequence' });
    expect(sequence).toMatchObject({ body: [1, 'two', [3]], _rawAmqpMessage: { bodyType: 'sequence' } });
  });

  test('every property', async () => {
    const message: ServiceBusMessage = {
      body: 'b',
      messageId: 'id',
      contentType: 'text/plain',
      correlationId: 'correlation',
      partitionKey: 'partition',
      subject: 'subject',
      replyTo: 'reply-to',
      replyToSessionId: 'reply-to-session',
      to: 'to',
      timeToLive: 60_000,
      applicationProperties: {
        text: 'x',
        int: 7,
        double: 0.5,
        big: 2 ** 40,
        yes: true,
        none: null,
        date: new Date(86_400_000),
      },
    };
    expect(await roundTrip(message)).toMatchObject({
      ...message,
      applicationProperties: { ...message.applicationProperties, date: 86_400_000 },
      deliveryCount: 0,
      state: 'active',
    });
  });

  test('every section of an annotated message', async () => {
    const message: AmqpAnnotatedMessage = {
      body: Buffer.from('b'),
      bodyType: 'data',
      header: { durable: true, priority: 7, firstAcquirer: true, timeToLive: 90_000 },
      properties: {
        messageId: 'id',
        contentEncoding: 'gzip',
        groupSequence: 3,
        creationTime: 1000,
      },
      messageAnnotations: { mine: 'kept', number: 12 },
      deliveryAnnotations: { hop: 'kept' },
      applicationProperties: { a: 1 },
      footer: { checksum: 'f00' },
    };
    const { _rawAmqpMessage: raw } = await roundTrip(message);
    expect(raw).toMatchObject({
      header: { durable: true, priority: 7, firstAcquirer: true, timeToLive: 90_000, deliveryCount: 0 },
      properties: { messageId: 'id', contentEncoding: 'gzip', groupSequence: 3 },
      messageAnnotations: { mine: 'kept', number: 12 },
      deliveryAnnotations: { hop: 'kept' },
      applicationProperties: { a: 1 },
      footer: { checksum: 'f00' },
    });
  });

  test('the types of values, which the SDK does not show, to the byte', async () => {
    const uuid = types.wrap_uuid(Buffer.alloc(16, 7));
    const typed = {
      id: uuid,
      whole: types.wrap_double(3),
      short: types.wrap_short(4),
      at: types.wrap_timestamp(5),
      s: types.wrap_symbol('s'),
    };
    const encoded = rheaMessage.encode({
      application_properties: typed,
      body: rheaMessage.data_section(Buffer.from('b')),
    });
    const map = encoded.subarray(
      encoded.indexOf(Buffer.of(0x53, 0x74)),
      encoded.indexOf(Buffer.of(0x53, 0x75)),
    );
    await broker.client.createSender('q').sendMessages({ body: 'b', applicationProperties: typed as never });
    const [kept] = [...broker.engine.find('q')!.peek('main', 0)];
    expect(kept!.payload.includes(map)).toBe(true);
    const { receiver, messages } = await receive(broker, 'q', 1);
    expect(messages[0]!.applicationProperties).toMatchObject({
      id: Buffer.alloc(16, 7),
      whole: 3,
      short: 4,
      at: 5,
      s: 's',
    });
    // The types also survive the broker's own changes.
    await receiver.deadLetterMessage(messages[0]!, {
      deadLetterReason: 'r',
      deadLetterErrorDescription: 'd',
    });
    const [dead] = [...broker.engine.find('q')!.peek('dead', 0)];
    for (const value of [Buffer.alloc(16, 7), Buffer.of(0x82, 0x40, 0x08)])
      expect(dead!.payload.includes(value)).toBe(true);
    await receiver.close();
  });

  test('the time to live of the queue, if that is shorter', async () => {
    const hourMs = 3_600_000;
    const sender = broker.client.createSender('hour');
    await sender.sendMessages([
      { body: 1 },
      { body: 2, timeToLive: 2 * hourMs },
      { body: 3, timeToLive: 60_000 },
    ]);
    const messages = await broker.client.createReceiver('hour').peekMessages(3);
    expect(messages.map(({ timeToLive }) => timeToLive)).toEqual([hourMs, hourMs, 60_000]);
    for (const { expiresAtUtc, enqueuedTimeUtc, timeToLive } of messages)
      expect(expiresAtUtc!.getTime()).toBe(enqueuedTimeUtc!.getTime() + timeToLive!);
    const properties = messages[1]!._rawAmqpMessage.properties!;
    expect(properties.absoluteExpiryTime! - properties.creationTime!).toBe(hourMs);
  });

  test('but for the annotations of the broker, which a sender cannot set', async () => {
    const made = { 'x-opt-deadletter-source': 'made-up', 'x-opt-sequence-number': 99, mine: 1 };
    const received = await roundTrip({ body: 'b', bodyType: 'value', messageAnnotations: made });
    expect(received.deadLetterSource).toBeUndefined();
    expect(received._rawAmqpMessage.messageAnnotations).toMatchObject({ mine: 1 });
    expect(received._rawAmqpMessage.messageAnnotations).not.toHaveProperty('x-opt-deadletter-source');
    expect(received.sequenceNumber!.toNumber()).not.toBe(99);
  });

  test('a message without an id gets one', async () => {
    expect(await roundTrip({ body: 1, correlationId: 'c' })).toMatchObject({
      messageId: expect.stringMatching(/^[0-9a-f]{32}$/),
      correlationId: 'c',
    });
  });

  test('a dead letter that is sent again is a new message', async () => {
    const sender = broker.client.createSender('q');
    await sender.sendMessages({ body: { n: 1 }, messageId: 'again', applicationProperties: { a: 1 } });
    const { receiver, messages } = await receive(broker, 'q', 1);
    await receiver.deadLetterMessage(messages[0]!, {
      deadLetterReason: 'why',
      deadLetterErrorDescription: '',
    });
    await receiver.close();
    const dead = broker.client.createReceiver('q', { subQueueType: 'deadLetter' });
    const deadLetters = await dead.receiveMessages(5, { maxWaitTimeInMs: longWaitMs });
    const deadLetter = deadLetters.find(({ messageId }) => messageId === 'again')!;
    await sender.sendMessages(deadLetter);
    await dead.completeMessage(deadLetter);
    const again = await receive(broker, 'q', 1);
    expect(again.messages[0]).toMatchObject({
      body: { n: 1 },
      messageId: 'again',
      applicationProperties: { a: 1 },
      deliveryCount: 0,
    });
    expect(again.messages[0]!.sequenceNumber!.toNumber()).toBeGreaterThan(
      messages[0]!.sequenceNumber!.toNumber(),
    );
    await again.receiver.completeMessage(again.messages[0]!);
  });
});
