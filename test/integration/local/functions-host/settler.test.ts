import { ServiceBusClient } from '@azure/service-bus';
import { createSettler } from '../../../../local/simulators/functions-host/servicebus/settler.js';
import { startBroker } from '../../../../local/simulators/servicebus/startBroker.js';
import { receiveAll } from '../servicebus/support/useBroker.js';

test('each of several messages settled at the same time gets its own outcome', async () => {
  const broker = await startBroker({ port: 0, queues: [{ name: 'q', maxDeliveryCount: 3 }], log: () => {} });
  const client = new ServiceBusClient(broker.endpoints.connectionString);
  const spare = new ServiceBusClient(broker.endpoints.connectionString);
  try {
    await client
      .createSender('q')
      .sendMessages(Array.from({ length: 20 }, (_, i) => ({ body: i, messageId: `m${i}` })));
    const receiver = client.createReceiver('q');
    const settler = createSettler(receiver, spare.createReceiver('q'));
    const messages = await receiveAll(receiver, 20);

    await Promise.all(
      messages.map((message) =>
        message.body % 2 === 0 ? settler.complete(message) : settler.abandon(message),
      ),
    );
    const left = await spare.createReceiver('q').peekMessages(50);
    expect(left.map(({ body }) => body)).toEqual(Array.from({ length: 10 }, (_, i) => 2 * i + 1));
  } finally {
    await Promise.all([client.close(), spare.close()]);
    await broker.close();
  }
});
