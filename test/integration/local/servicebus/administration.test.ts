import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { ServiceBusAdministrationClient } from '@azure/service-bus';
import { accessToken, useBroker } from './support/useBroker.js';

describe('the administration client', () => {
  const broker = useBroker([
    { name: 'given', lockDurationMs: 120_000, duplicateWindowMs: 600_000 },
    { name: 'small', maxSizeBytes: 10_000 },
  ]);
  let admin: ServiceBusAdministrationClient;
  beforeAll(async () => {
    const ca = await readFile(broker.caFile, 'utf8');
    admin = new ServiceBusAdministrationClient(broker.connectionString, {
      tlsOptions: { ca },
      retryOptions: { maxRetries: 0 },
    } as object);
  });

  test('reads the properties that a queue was started with', async () => {
    expect(await admin.getQueue('given')).toMatchObject({
      name: 'given',
      lockDuration: 'PT2M',
      maxDeliveryCount: 10,
      requiresDuplicateDetection: true,
      duplicateDetectionHistoryTimeWindow: 'PT10M',
      requiresSession: false,
      maxSizeInMegabytes: 1024,
      status: 'Active',
    });
    expect(await admin.getNamespaceProperties()).toMatchObject({ messagingSku: 'Standard' });
  });

  test('creates, updates, lists and deletes queues', async () => {
    const created = await admin.createQueue('made', {
      lockDuration: 'PT30S',
      maxDeliveryCount: 3,
      defaultMessageTimeToLive: 'P1D',
      deadLetteringOnMessageExpiration: true,
    });
    expect(created).toMatchObject({
      lockDuration: 'PT30S',
      maxDeliveryCount: 3,
      defaultMessageTimeToLive: 'P1D',
    });
    await expect(admin.createQueue('made')).rejects.toMatchObject({
      code: 'MessageEntityAlreadyExistsError',
      message: expect.stringContaining("SubCode=40900. Conflict. You're requesting an operation"),
    });
    await admin.updateQueue({ ...created, maxDeliveryCount: 5 });
    expect(await admin.getQueue('made')).toMatchObject({ maxDeliveryCount: 5, lockDuration: 'PT30S' });
    const names: string[] = [];
    for await (const { name } of admin.listQueues()) names.push(name);
    expect(names).toEqual(['given', 'made', 'small']);
    expect(await admin.queueExists('made')).toBe(true);
    await admin.deleteQueue('made');
    expect(await admin.queueExists('made')).toBe(false);
    await expect(admin.getQueue('made')).rejects.toMatchObject({ code: 'MessageEntityNotFoundError' });
    await expect(admin.deleteQueue('made')).rejects.toMatchObject({
      code: 'MessageEntityNotFoundError',
      statusCode: 404,
      message: expect.stringMatching(/SubCode=40400\. The messaging entity '.*made' could not be found/),
    });
  });

  test('counts active, scheduled and dead-lettered messages, and their size', async () => {
    await admin.createQueue('counted');
    const sender = broker.client.createSender('counted');
    await sender.sendMessages([{ body: 1 }, { body: 2 }, { body: 3 }]);
    await sender.scheduleMessages({ body: 4 }, new Date(Date.now() + 60_000));
    const receiver = broker.client.createReceiver('counted');
    const [dead, completed] = await receiver.receiveMessages(2);
    await receiver.deadLetterMessage(dead!);
    await receiver.completeMessage(completed!);
    const properties = await admin.getQueueRuntimeProperties('counted');
    expect(properties).toMatchObject({
      activeMessageCount: 1,
      scheduledMessageCount: 1,
      deadLetterMessageCount: 1,
      totalMessageCount: 3,
    });
    expect(properties.sizeInBytes).toBeGreaterThan(0);
  });

  test('a queue that is deleted under its clients is not found any more', async () => {
    await admin.createQueue('brief');
    const sender = broker.client.createSender('brief');
    await sender.sendMessages({ body: 1 });
    const receiver = broker.client.createReceiver('brief');
    const [message] = await receiver.receiveMessages(1);
    await admin.deleteQueue('brief');
    await expect(receiver.completeMessage(message!)).rejects.toMatchObject({
      code: 'MessagingEntityNotFound',
    });
    await expect(sender.sendMessages({ body: 2 })).rejects.toMatchObject({ code: 'MessagingEntityNotFound' });
    await expect(receiver.peekMessages(1)).rejects.toMatchObject({ code: 'MessagingEntityNotFound' });
    await admin.createQueue('brief');
    await sender.sendMessages({ body: 3 });
    const again = await broker.client.createReceiver('brief').peekMessages(5);
    expect(again.map(({ body }) => body)).toEqual([3]);
  });

  test('is told what is wrong, or not supported', async () => {
    await expect(admin.createQueue('bad', { lockDuration: 'PT10M' })).rejects.toThrow('5 s to 5 min');
    await expect(admin.createQueue('bad', { requiresSession: true })).rejects.toThrow(
      'Not supported by the local broker: RequiresSession',
    );
    await expect(admin.createQueue('bad', { forwardTo: 'given' })).rejects.toThrow(
      'Not supported by the local broker: ForwardTo',
    );
    await expect(admin.createTopic('t')).rejects.toThrow('Not supported by the local broker');
    const given = await admin.getQueue('given');
    await expect(admin.updateQueue({ ...given, requiresDuplicateDetection: false })).rejects.toThrow(
      'cannot be changed',
    );
    const wrong = broker.connectionString.replace(/SharedAccessKey=[^;]*/, 'SharedAccessKey=wrong');
    const ca = await readFile(broker.caFile, 'utf8');
    const stranger = new ServiceBusAdministrationClient(wrong, { tlsOptions: { ca } } as object);
    await expect(stranger.getQueue('given')).rejects.toMatchObject({ code: 'UnauthorizedRequestError' });
  });

  test('a client without a token is told what the port serves', async () => {
    const response = await fetch(`http://127.0.0.1:${broker.port}/`);
    expect(response.status).toBe(401);
    expect(await response.text()).toContain('AMQP 1.0');
  });

  test('plain HTTP serves the same as HTTPS', async () => {
    const path = `127.0.0.1:${broker.port}/given`;
    const authorization = accessToken(`http://${path}`);
    const response = await fetch(`http://${path}?api-version=2021-05`, { headers: { authorization } });
    expect(response.status).toBe(200);
    expect(await response.text()).toContain('<LockDuration>PT2M</LockDuration>');
  });

  test('the size of a queue is one of the sizes that Service Bus knows', async () => {
    const known = 'must be one of the following values: 1024;2048;3072;4096;5120';
    await expect(admin.createQueue('sized', { maxSizeInMegabytes: 1000 })).rejects.toThrow(known);
    const created = await admin.createQueue('sized', { maxSizeInMegabytes: 5120 });
    await expect(admin.updateQueue({ ...created, maxSizeInMegabytes: 1 })).rejects.toThrow(known);
    // A queue of this broker may be smaller, and an update of another property leaves the size unchanged.
    const small = await admin.getQueue('small');
    expect(small.maxSizeInMegabytes).toBe(1);
    await admin.updateQueue({ ...small, maxDeliveryCount: 4 });
    expect(broker.engine.find('small')!.record.properties).toMatchObject({
      maxDeliveryCount: 4,
      maxSizeBytes: 10_000,
    });
  });

  test('bytes that are neither AMQP nor HTTP end the connection', async () => {
    const socket = connect(broker.port, '127.0.0.1');
    socket.write('EHLO\r\n\r\n');
    await new Promise((resolve) => socket.on('close', resolve).resume());
  });
});
