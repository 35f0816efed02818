import { once } from 'node:events';
import rhea, { type Delivery, type EventContext, type link, type Message, type Receiver } from 'rhea';
import { waitFor } from '../../../support/waitFor.js';
import { openRawClient, type RawClient } from './support/rawClient.js';
import { useBroker } from './support/useBroker.js';

const { types } = rhea;

/** Rules of the protocol on which other SDKs depend, above all the .NET SDK. */
describe('on the wire', () => {
  const broker = useBroker(['q', 'modes', 'release', 'types', 'reason'].map((name) => ({ name })));
  let client: RawClient;
  beforeAll(async () => {
    client = await openRawClient(broker);
  });

  const next = async (receiver: Receiver): Promise<{ message: Message; delivery: Delivery }> => {
    receiver.add_credit(1);
    const [{ message, delivery }] = (await once(receiver, 'message')) as [EventContext];
    return { message: message!, delivery: delivery! };
  };
  const send = (queue: string) => broker.client.createSender(queue).sendMessages({ body: 'b' });
  /** The bytes of the first message. */
  const payload = (queue: string, part: 'main' | 'dead') =>
    [...broker.engine.find(queue)!.peek(part, 0)][0]!.payload;

  test.each([
    [0, 0],
    [1, 0],
    [2, 1],
  ] as const)('the settle modes %i and %i come back on both kinds of links', async (snd, rcv) => {
    const modes = { snd_settle_mode: snd, rcv_settle_mode: rcv };
    const sender = await client.sender({ target: 'modes', ...modes });
    const receiver = await client.receiver({ source: 'modes', credit_window: 0, ...modes });
    for (const opened of [sender, receiver]) {
      expect([opened.snd_settle_mode ?? 2, opened.rcv_settle_mode ?? 0]).toEqual([snd, rcv]);
      opened.close();
    }
  });

  test('a link to a sender announces the largest message, a link to a receiver has no limit', async () => {
    const sender = await client.sender({ target: 'q' });
    const receiver = await client.receiver({ source: 'q', credit_window: 0 });
    expect(sender.max_message_size).toBe(262_144);
    expect(receiver.max_message_size ?? null).toBeNull();
    receiver.close();
  });

  test('a refused link has a null terminus, and the error follows', async () => {
    const errorOf = (opened: link) => waitFor('the link is refused', () => opened.error);
    const receiver = await client.receiver({ source: 'nowhere' });
    expect(receiver.source?.address).toBeUndefined();
    expect(await errorOf(receiver)).toMatchObject({ condition: 'amqp:not-found' });
    const sender = await client.sender({ target: 'nowhere' });
    expect(sender.target?.address).toBeUndefined();
    expect(await errorOf(sender)).toMatchObject({
      condition: 'amqp:not-found',
      description: expect.stringMatching(/^The messaging entity '.*nowhere' could not be found/),
    });
  });

  test('a released delivery comes back, and does not count', async () => {
    await send('release');
    const receiver = await client.receiver({ source: 'release', rcv_settle_mode: 1, credit_window: 0 });
    for (let n = 0; n < 12; n++) {
      const { message, delivery } = await next(receiver);
      expect(message.delivery_count).toBe(0);
      delivery.release();
    }
    receiver.close();
    await once(receiver, 'receiver_close');
  });

  test('properties of a settlement keep their AMQP types', async () => {
    const properties = {
      uuid: types.wrap_uuid(Buffer.alloc(16, 7)),
      double: types.wrap_double(3),
      short: types.wrap_short(-4),
      ulong: types.wrap_ulong(5),
      timestamp: types.wrap_timestamp(6),
      symbol: types.wrap_symbol('s'),
    };
    const encoded = [
      Buffer.concat([Buffer.of(0x98), Buffer.alloc(16, 7)]),
      Buffer.of(0x82, 0x40, 0x08, 0, 0, 0, 0, 0, 0),
      Buffer.of(0x61, 0xff, 0xfc),
      Buffer.of(0x53, 5),
      Buffer.of(0x83, 0, 0, 0, 0, 0, 0, 0, 6),
      Buffer.of(0xa3, 1, 0x73),
    ];
    await send('types');
    const receiver = await client.receiver({ source: 'types', rcv_settle_mode: 1, credit_window: 0 });
    const first = await next(receiver);
    const map = types.wrap_map(properties);
    const second = next(receiver);
    first.delivery.modified({ message_annotations: map });
    const { delivery } = await second;
    for (const bytes of encoded) expect(payload('types', 'main').includes(bytes)).toBe(true);
    const info = { other: types.wrap_float(1.5) };
    delivery.reject({ condition: 'com.microsoft:dead-letter', info } as never);
    await once(receiver, 'settled');
    for (const bytes of [...encoded, Buffer.of(0x72, 0x3f, 0xc0, 0, 0)])
      expect(payload('types', 'dead').includes(bytes)).toBe(true);
    receiver.close();
  });

  test.each([
    ['com.microsoft:batch-delete-messages', 'deleting messages in batches'],
    ['com.microsoft:receive-by-sequence-number', 'deferring messages'],
    ['com.microsoft:renew-session-lock', 'message sessions'],
    ['com.microsoft:add-rule', 'rules of subscriptions'],
    ['com.microsoft:unknown', 'the operation com.microsoft:unknown'],
  ])('the operation %s is refused by the name of the feature', async (operation, feature) => {
    const answer = await client.request('q/$management', { application_properties: { operation } });
    expect(answer.application_properties).toMatchObject({
      statusCode: 501,
      statusDescription: `Not supported by the local broker: ${feature}.`,
      errorCondition: 'amqp:not-implemented',
    });
  });

  test('a transaction is refused by name', async () => {
    const coordinator = types.described(types.wrap_ulong(0x30), types.wrap_list([]));
    const sender = await client.sender({}, coordinator);
    const error = await waitFor('the link is refused', () => sender.error);
    expect(error).toMatchObject({ description: 'Not supported by the local broker: transactions.' });
  });

  test('a reason or description of more than 4,096 characters is refused', async () => {
    const receiver = broker.client.createReceiver('reason');
    const deadLetter = async (deadLetterReason: string, deadLetterErrorDescription: string) => {
      await send('reason');
      const [message] = await receiver.receiveMessages(1);
      await receiver.deadLetterMessage(message!, { deadLetterReason, deadLetterErrorDescription });
    };
    const [longest, tooLong] = ['ß'.repeat(4096), 'x'.repeat(4097)];
    const refusal = 'the maximum permitted length is 4096';
    await expect(deadLetter(tooLong, '')).rejects.toThrow(refusal);
    await expect(deadLetter('', tooLong)).rejects.toThrow(refusal);
    await deadLetter(longest, longest);
    const [dead] = await broker.client
      .createReceiver('reason', { subQueueType: 'deadLetter' })
      .peekMessages(1);
    expect(dead).toMatchObject({ deadLetterReason: longest, deadLetterErrorDescription: longest });
  });
});
