import type { ServiceBusReceivedMessage } from '@azure/service-bus';
import {
  messageBody,
  triggerMetadata,
} from '../../../../../local/simulators/functions-host/servicebus/messageData.js';

const message = (fields: Partial<ServiceBusReceivedMessage>) =>
  ({ body: Buffer.from(''), deliveryCount: 0, ...fields }) as ServiceBusReceivedMessage;

describe('triggerMetadata', () => {
  it('has the names and types of the real host', () => {
    const metadata = triggerMetadata(
      message({
        messageId: 'request.1',
        lockToken: '5d0a0ef1-1f5c-4a4e-8b7e-7b5a1c4fd1f0',
        sequenceNumber: { toString: () => '7' } as ServiceBusReceivedMessage['sequenceNumber'],
        enqueuedTimeUtc: new Date('2026-03-04T05:06:07.120Z'),
        // The SDK's value for a message without a time to live.
        expiresAtUtc: new Date('+031197-09-14T02:48:05.477Z'),
        applicationProperties: { Kind: 'x' },
        subject: 's',
      }),
      { string: 'text' },
    );
    expect(metadata).toEqual({
      DeliveryCount: { int: 1 },
      LockToken: { string: '5d0a0ef1-1f5c-4a4e-8b7e-7b5a1c4fd1f0' },
      MessageId: { string: 'request.1' },
      SequenceNumber: { int: 7 },
      EnqueuedTimeUtc: { json: '"2026-03-04T05:06:07.12"' },
      EnqueuedTime: { json: '"2026-03-04T05:06:07.12+00:00"' },
      ExpiresAtUtc: { json: '"9999-12-31T23:59:59.9999999"' },
      ExpiresAt: { json: '"9999-12-31T23:59:59.9999999+00:00"' },
      Subject: { string: 's' },
      Label: { string: 's' },
      ApplicationProperties: { json: '{"Kind":"x"}' },
      UserProperties: { json: '{"Kind":"x"}' },
      Client: { json: '{}' },
      MessageReceiver: { json: '{}' },
      MessageActions: { json: '{}' },
    });
  });

  it('is overlaid with the top-level fields of a JSON body, whatever their case', () => {
    const body = {
      uuid: 'u',
      n: 3,
      ok: true,
      nothing: null,
      list: [1],
      deep: { a: 1 },
      MESSAGEID: 'from the body',
    };
    const metadata = triggerMetadata(message({ messageId: 'real' }), { string: JSON.stringify(body) });
    expect(metadata).toMatchObject({
      uuid: { string: 'u' },
      n: { string: '3' },
      ok: { string: 'True' },
      deep: { json: '{"a":1}' },
      MessageId: { string: 'from the body' },
    });
    expect(Object.keys(metadata)).not.toEqual(expect.arrayContaining(['nothing', 'list', 'MESSAGEID']));
  });

  it('has times in the forms of .NET, in a JSON body and in application properties', () => {
    const body = { due: '2024-01-02T03:04:05Z', local: '2024-01-02T03:04:05.6', text: '2024-01-02' };
    const applicationProperties = { at: new Date('2024-01-02T03:04:05Z') };
    expect(
      triggerMetadata(message({ applicationProperties }), { string: JSON.stringify(body) }),
    ).toMatchObject({
      due: { string: '01/02/2024 03:04:05' },
      local: { string: '01/02/2024 03:04:05' },
      text: { string: '2024-01-02' },
      ApplicationProperties: { json: '{"at":"2024-01-02T03:04:05Z"}' },
    });
  });

  it('does not change for a body other than a JSON object', () => {
    expect(Object.keys(triggerMetadata(message({}), { string: '[1]' }))).toEqual(
      Object.keys(triggerMetadata(message({}), { string: 'text' })),
    );
  });
});

describe('messageBody', () => {
  it('is text, unless the trigger wants bytes', () => {
    const bytes = Buffer.from('{"a":1}');
    expect(messageBody(message({ body: bytes }), false)).toEqual({ string: '{"a":1}' });
    expect(messageBody(message({ body: bytes }), true)).toEqual({ bytes });
    expect(messageBody(message({ body: 'text' }), false)).toEqual({ string: 'text' });
    expect(messageBody(message({ body: undefined }), false)).toEqual({ string: '' });
    expect(messageBody(message({ body: null }), false)).toEqual({ string: '' });
  });

  it('has replacement characters where it is not UTF-8', () => {
    expect(messageBody(message({ body: Buffer.from([0x61, 0xff]) }), false)).toEqual({ string: 'a\ufffd' });
  });

  it.each([[{ a: 1 }], [7], [true]])('cannot be bound as the AMQP value %p', (body) => {
    expect(() => messageBody(message({ body }), false)).toThrow('cannot be bound');
  });
});
