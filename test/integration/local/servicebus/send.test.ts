import { receive, useBroker } from './support/useBroker.js';

describe('sending', () => {
  const broker = useBroker([{ name: 'single' }, { name: 'array' }, { name: 'batch' }, { name: 'scheduled' }]);

  test('a single message arrives with its body and properties', async () => {
    await broker.client.createSender('single').sendMessages({
      body: { hello: 'world', n: 1.5 },
      messageId: 'm1',
      subject: 'greeting',
      correlationId: 'c1',
      applicationProperties: { a: 1, b: 'two', c: true },
    });
    const { receiver, messages } = await receive(broker, 'single', 1);
    expect(messages[0]).toMatchObject({
      body: { hello: 'world', n: 1.5 },
      messageId: 'm1',
      subject: 'greeting',
      correlationId: 'c1',
      applicationProperties: { a: 1, b: 'two', c: true },
      deliveryCount: 0,
      state: 'active',
    });
    await receiver.completeMessage(messages[0]!);
    await receiver.close();
  });
});
