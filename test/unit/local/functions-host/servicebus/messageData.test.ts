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

  it('does not change for a body other than a JSON object', () => {
    expect(Object.keys(triggerMetadata(message({}), { string: '[1]' }))).toEqual(
      Object.keys(triggerMetadata(message({}), { string: 'text' })),
    );
  });
});

describe('messageBody', () => {
  it('is text, unless the trigger wants bytes or the body is neither', () => {
    const bytes = Buffer.from('{"a":1}');
    expect(messageBody(message({ body: bytes }), false)).toEqual({ string: '{"a":1}' });
    expect(messageBody(message({ body: bytes }), true)).toEqual({ bytes });
    expect(messageBody(message({ body: 'text' }), false)).toEqual({ string: 'text' });
    expect(messageBody(message({ body: { a: 1 } }), false)).toEqual({ json: '{"a":1}' });
    expect(messageBody(message({ body: undefined }), false)).toEqual({ string: '' });
  });

  it('must be UTF-8 where text is wanted', () => {
    expect(() => messageBody(message({ body: Buffer.from([0xff]) }), false)).toThrow('not UTF-8');
  });
});
