import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ServiceBusClient, type ServiceBusSender } from '@azure/service-bus';
import { startBroker } from '../../../../local/simulators/servicebus/startBroker.js';
import { freePort } from '../../../../local/simulators/shared/loopback.js';
import { waitFor } from '../../../support/waitFor.js';
import { receiveAll } from '../servicebus/support/useBroker.js';
import { type Fixture, startFixture } from './startFixture.js';

const get = (host: Fixture, path: string) => fetch(`${host.endpoints.url}/api/${path}`);
const pidOf = async (host: Fixture) => ((await (await get(host, 'worker')).json()) as { pid: number }).pid;
/** The first moments after the end of a worker answer 500. Later requests wait for the new worker. */
const served = (host: Fixture) =>
  waitFor('a request is served', async () => (await get(host, 'worker')).status === 200);
const ready = /^host: worker process \d+ is ready$/;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'worker-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('the worker process', () => {
  it.each(['exit', 'exception', 'rejection'])(
    'ends by an %s: 500 for everything on it, and a new worker',
    async (how) => {
      const host = await startFixture(['--only', 'http']);
      const before = await pidOf(host);
      const slow = get(host, `slow?file=${encodeURIComponent(join(folder, 'never'))}`);
      await host.line(/^slow is under way$/);
      const answers = await Promise.all([slow, get(host, `crash?how=${how}`)]);
      expect(await Promise.all(answers.map(async (each) => [each.status, await each.text()]))).toEqual([
        [500, ''],
        [500, ''],
      ]);
      await host.line(
        new RegExp(`^host: worker process ${before} ended \\(exit code ${how === 'exit' ? 7 : 1}\\)$`),
      );
      await served(host);
      expect(await pidOf(host)).not.toBe(before);
      expect(await host.stop()).toBe(0);
    },
  );

  it('ends the whole host at its third exit', async () => {
    const host = await startFixture(['--only', 'http']);
    for (const exit of [1, 2, 3]) {
      expect([exit, (await get(host, 'crash?how=exit')).status]).toEqual([exit, 500]);
      if (exit < 3) await served(host);
    }
    await host.line(/Exceeded language worker restart retry count/);
    expect(await host.ended()).toBe(1);
  });

  it('ends, with everything on it, when a function exceeds functionTimeout, and that is not counted', async () => {
    const host = await startFixture(['--only', 'http'], {
      AzureFunctionsJobHost__functionTimeout: '00:00:01',
    });
    for (const _ of [1, 2, 3, 4]) {
      const never = encodeURIComponent(join(folder, 'never'));
      expect((await get(host, `slow?file=${never}`)).status).toBe(500);
      await served(host);
    }
    await host.line(/^host: Timeout value exceeded by function slow/);
    expect(host.lines.filter((line) => ready.test(line))).toHaveLength(5);
    expect(await host.stop()).toBe(0);
  });

  it('is not there while the host is starting: 503', async () => {
    const port = String(await freePort());
    const host = await startFixture(['--port', port], { HOST_PORT: port }, 'slowStart');
    expect(host.lines.filter((line) => /^while starting/.test(line))).toEqual([
      'while starting: 503 Function host is not running.',
    ]);
    expect((await get(host, 'ready')).status).toBe(204);
    await host.stop();
  });
});

describe('messages of a worker', () => {
  let broker: Awaited<ReturnType<typeof startBroker>>;
  let client: ServiceBusClient;
  let sender: ServiceBusSender;
  const env = () => ({
    FIXTURE_BUS: broker.endpoints.connectionString,
    FIXTURE_QUEUE: 'q',
    'AzureWebJobs.work.Disabled': '',
  });
  beforeAll(async () => {
    broker = await startBroker({
      port: 0,
      queues: [{ name: 'q', lockDurationMs: 60_000, maxDeliveryCount: 10 }],
    });
    client = new ServiceBusClient(broker.endpoints.connectionString);
    sender = client.createSender('q');
  });
  afterAll(async () => {
    await client.close();
    await broker.close();
  });
  const until = (name: string) => ({ until: 'the file exists', file: join(folder, name) });

  it('are abandoned when the worker is killed, and are delivered again to the next worker', async () => {
    const host = await startFixture(['--only', 'worker'], env());
    await sender.sendMessages({ messageId: 'killed', body: until('killed') });
    await host.line(
      /^work .*"messageId":"killed".*"deliveryCount":1|^work .*"deliveryCount":1.*"messageId":"killed"/,
    );
    await host.control('POST /worker/kill');
    await host.line(/^work: message killed \(delivery 1\) abandoned \(.*worker process ended \(SIGKILL\)/);
    await writeFile(join(folder, 'killed'), '');
    // A delivery within the first moments fails at once and costs a further delivery.
    await host.line(/^work: message killed \(delivery [2-9]\) completed/);
    expect(await host.stop()).toBe(0);
  });

  it('are abandoned by a drain although the function succeeded, unless the function has settled them', async () => {
    const host = await startFixture([], env());
    await sender.sendMessages([
      { messageId: 'left', body: until('drained') },
      { messageId: 'settled', body: { ...until('drained'), do: 'complete' } },
    ]);
    await host.line(/^work .*"messageId":"left"/);
    await host.line(/^work .*"messageId":"settled"/);
    await host.control('POST /drain');
    await sender.sendMessages({ messageId: 'later', body: {} });
    expect(await host.control('GET /drain')).toEqual({ state: 'InProgress', outstandingInvocations: 2 });
    expect((await get(host, 'echo')).status).toBe(200);
    await writeFile(join(folder, 'drained'), '');
    await host.line(/^work: message left \(delivery 1\) abandoned by the drain/);
    await host.line(/^work: message settled \(delivery 1\) completed/);
    const receiver = client.createReceiver('q');
    const left = await receiveAll(receiver, 2);
    expect(left.map(({ messageId, deliveryCount }) => [messageId, deliveryCount])).toEqual(
      expect.arrayContaining([
        ['left', 1],
        ['later', 0],
      ]),
    );
    for (const message of left) await receiver.completeMessage(message);
    await receiver.close();
    expect(host.lines.filter((line) => /message later/.test(line))).toEqual([]);
    expect(await host.stop()).toBe(0);
  });

  it('are not handed over if they are values other than texts: ten deliveries, and dead', async () => {
    const host = await startFixture(['--only', 'worker'], env());
    await sender.sendMessages({ bodyType: 'value', body: { a: 1 }, properties: { messageId: 'value' } });
    await sender.sendMessages({ bodyType: 'value', body: 'a text', properties: { messageId: 'text' } });
    await sender.sendMessages({ bodyType: 'sequence', body: [1, 2], properties: { messageId: 'sequence' } });
    await host.line(/^work: message value \(delivery 10\) abandoned \(.*cannot be bound/);
    await host.line(/^work .*"message":"a text"/);
    await host.line(/^work: message sequence is an AMQP sequence/);
    const receiver = client.createReceiver('q', { subQueueType: 'deadLetter' });
    const [dead] = await receiveAll(receiver, 1);
    expect(dead).toMatchObject({ messageId: 'value', deadLetterReason: 'MaxDeliveryCountExceeded' });
    await receiver.close();
    expect(await host.stop()).toBe(0);
  });
});
