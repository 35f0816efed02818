import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { ServiceBusAdministrationClient, ServiceBusClient } from '@azure/service-bus';
import { connectionStringFor } from '../../../../local/simulators/servicebus/sharedAccess.js';
import { useBroker } from './support/useBroker.js';

const broker = useBroker([{ name: 'q' }]);

test('a policy that may send and listen does both, and peeks and schedules', async () => {
  const client = new ServiceBusClient(connectionStringFor(broker.port, 'SendAndListen'));
  const sender = client.createSender('q');
  await sender.sendMessages({ body: 1, messageId: randomUUID() });
  await sender.scheduleMessages({ body: 2 }, new Date(Date.now() + 60_000));
  const receiver = client.createReceiver('q');
  expect(await receiver.peekMessages(10)).toHaveLength(2);
  const [message] = await receiver.receiveMessages(1);
  await receiver.deadLetterMessage(message!);
  expect(await client.createReceiver('q', { subQueueType: 'deadLetter' }).peekMessages(1)).toHaveLength(1);
  await client.close();
});

test('counts and properties need the right to manage', async () => {
  const tlsOptions = { ca: await readFile(broker.caFile, 'utf8') };
  const administration = (policy: 'SendAndListen' | 'RootManageSharedAccessKey') =>
    new ServiceBusAdministrationClient(connectionStringFor(broker.port, policy), { tlsOptions } as object);
  await expect(administration('SendAndListen').getQueueRuntimeProperties('q')).rejects.toMatchObject({
    statusCode: 401,
  });
  await expect(administration('SendAndListen').getQueue('q')).rejects.toMatchObject({ statusCode: 401 });
  expect(await administration('RootManageSharedAccessKey').getQueueRuntimeProperties('q')).toMatchObject({
    name: 'q',
  });
});
