import { readFile } from 'node:fs/promises';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { connectionStringFor } from '../../../local/simulators/servicebus/sharedAccess.js';
import { openQueueManagement } from '../../../src/queue/administration.js';
import { useBroker } from '../local/servicebus/support/useBroker.js';

describe('the management of the queue', () => {
  const broker = useBroker([
    { name: 'q', lockDurationMs: 120_000, duplicateWindowMs: 600_000, maxDeliveryCount: 10 },
  ]);
  const before = getCACertificates('default');
  beforeAll(async () => {
    setDefaultCACertificates([...before, await readFile(broker.caFile, 'utf8')]);
  });
  afterAll(() => setDefaultCACertificates(before));
  const open = (queue = 'q') =>
    openQueueManagement({ connection: { connectionString: broker.connectionString }, queue });

  it('counts what waits, what is scheduled, and what is dead-lettered', async () => {
    const sender = broker.client.createSender('q');
    await sender.sendMessages([{ body: 1 }, { body: 2 }, { body: 3 }]);
    await sender.scheduleMessages({ body: 4 }, new Date(Date.now() + 60_000));
    const receiver = broker.client.createReceiver('q');
    const [deadLetter] = await receiver.receiveMessages(1);
    await receiver.deadLetterMessage(deadLetter!);
    expect(await open().depths()).toEqual({ active: 2, scheduled: 1, deadLettered: 1 });
  });

  it('tells what the queue was made with', async () => {
    expect(await open().properties()).toEqual({
      lockMs: 120_000,
      maxDeliveryCount: 10,
      duplicateWindowMs: 600_000,
      deadLettersExpired: false,
    });
  });

  it('is null for a policy that may only send and listen, as a worker', async () => {
    const connectionString = connectionStringFor(broker.port, 'SendAndListen');
    const worker = openQueueManagement({ connection: { connectionString }, queue: 'q' });
    expect(await worker.depths()).toBeNull();
    expect(await worker.properties()).toBeNull();
  });

  it('is an error where there is no such queue, or nobody answers', async () => {
    await expect(open('another').depths()).rejects.toMatchObject({
      code: 'queue-unavailable',
      message: 'The counts and properties of the queue cannot be read (MessageEntityNotFoundError).',
    });
    const nobody = openQueueManagement({
      connection: { connectionString: connectionStringFor(1) },
      queue: 'q',
    });
    await expect(nobody.depths()).rejects.toMatchObject({
      code: 'queue-unavailable',
      message: 'The counts and properties of the queue cannot be read (ECONNREFUSED).',
    });
  });
});
