import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ServiceBusClient } from '@azure/service-bus';
import rhea from 'rhea';
import type { BrokerEndpoints } from '../../../../local/simulators/servicebus/startBroker.js';
import { handClock } from '../../../support/handClock.js';
import { longWaitMs, receiveAll, useBroker } from './support/useBroker.js';

/** The protocol header of a client without authentication. */
const header = Buffer.from('AMQP\x00\x01\x00\x00', 'binary');

describe('a faulty client does not disturb other clients', () => {
  const clock = handClock(Date.now());
  const broker = useBroker([{ name: 'q' }], { clock });
  const others = async () => {
    await broker.client.createSender('q').sendMessages({ body: 'fine' });
    const receiver = broker.client.createReceiver('q', { receiveMode: 'receiveAndDelete' });
    const [message] = await receiver.receiveMessages(1, { maxWaitTimeInMs: longWaitMs });
    await receiver.close();
    return message?.body;
  };
  const raw = async (): Promise<Socket> => {
    const socket = connect(broker.port, '127.0.0.1');
    await new Promise((resolve) => socket.once('connect', resolve));
    return socket;
  };
  /** The broker's bytes before it closes the connection. */
  const answerTo = async (bytes: Buffer): Promise<Buffer> => {
    const socket = await raw();
    const chunks: Buffer[] = [];
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.write(Buffer.concat([header, bytes]));
    await new Promise((resolve) => socket.once('close', resolve));
    return Buffer.concat(chunks);
  };

  test.each([
    ['noise', Buffer.from('0123456789abcdef'.repeat(20))],
    ['a frame of size 0', Buffer.alloc(64)],
    ['a frame that names a type that does not exist', Buffer.from('0000000c020000000053103f', 'hex')],
    ['a list of four billion items', Buffer.from('0000001602000000005310d0000000ffffffffff4040', 'hex')],
    ['a transfer on a session that was never begun', Buffer.from('0000000f02000000005314c0030143', 'hex')],
  ])('%s ends that connection with an error', async (_name, bytes) => {
    const before = broker.lines.length;
    const answer = await answerTo(bytes);
    expect(answer.toString('latin1')).toContain('amqp:connection:framing-error');
    expect(broker.lines.length).toBe(before + 1);
    expect(broker.lines.at(-1)).toMatch(/^client \d+: /);
    expect(await others()).toBe('fine');
  });

  test('random bytes, and valid frames with random bytes in them, end only that connection', async () => {
    const open = Buffer.from('0000001b02000000005310c00e02a10568656c6c6fa10141', 'hex');
    const closed: Promise<unknown>[] = [];
    for (let round = 0; round < 60; round++) {
      const bytes = Buffer.from(round % 2 ? open : Buffer.alloc(200));
      for (let n = 0; n < 20; n++)
        bytes[Math.floor(Math.random() * bytes.length)] = Math.floor(Math.random() * 256);
      const socket = await raw();
      socket.on('error', () => {});
      closed.push(new Promise((resolve) => socket.once('close', resolve)));
      socket.resume().end(Buffer.concat([header, bytes]));
    }
    await Promise.all(closed);
    expect(await others()).toBe('fine');
  });

  test('a frame that is announced as huge is refused at once', async () => {
    const answer = await answerTo(Buffer.from('7fffffff0200000000', 'hex'));
    expect(answer.toString('latin1')).toContain('at most 65536 are allowed');
    expect(await others()).toBe('fine');
  });

  test('messages of a killed client become available again when their locks end', async () => {
    await broker.client.createSender('q').sendMessages([{ body: 1 }, { body: 2 }]);
    const script = `
      const { ServiceBusClient } = require('@azure/service-bus');
      const receiver = new ServiceBusClient('${broker.connectionString}').createReceiver('q');
      receiver.receiveMessages(2, { maxWaitTimeInMs: 20000 }).then(({ length }) => console.log(length));
    `;
    const vanishing = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    expect(String(await new Promise((resolve) => vanishing.stdout.once('data', resolve))).trim()).toBe('2');
    // The process cannot close its connection before it ends.
    process.kill(vanishing.pid!, 'SIGKILL');
    const survivor = broker.client.createReceiver('q', { receiveMode: 'receiveAndDelete' });
    expect(await survivor.receiveMessages(2, { maxWaitTimeInMs: 100 })).toEqual([]);
    clock.advance(60_000);
    const back = await receiveAll(survivor, 2);
    expect(back.map(({ body, deliveryCount }) => [body, deliveryCount])).toEqual([
      [1, 1],
      [2, 1],
    ]);
    await survivor.close();
  });

  test('1,000 connections at once are served', async () => {
    const container = rhea.create_container();
    const connections = Array.from({ length: 1000 }, () =>
      container.connect({ port: broker.port, host: '127.0.0.1', reconnect: false, username: 'anonymous' }),
    );
    await Promise.all(
      connections.map((connection) => new Promise((resolve) => connection.once('connection_open', resolve))),
    );
    expect(await others()).toBe('fine');
    const closed = connections.map(
      (connection) => new Promise((resolve) => connection.once('connection_close', resolve)),
    );
    for (const connection of connections) connection.close();
    await Promise.all(closed);
  });
});

describe('a full disk', () => {
  const running: ChildProcess[] = [];
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'broker-'));
  });
  afterEach(() => stop());
  afterAll(() => rm(folder, { recursive: true }));

  /** Starts a broker process with a limit for the size of files, in KiB. */
  async function start(
    limit: number | 'unlimited',
  ): Promise<{ endpoints: BrokerEndpoints; output: () => string }> {
    const main = resolve('dist/local/simulators/servicebus/main.js');
    const args = ['--port', '0', '--credits', '0', '--folder', folder, '--queue', 'q:lock=5'];
    const command = `ulimit -f ${limit}; exec "$0" "$@"`;
    const broker = spawn('bash', ['-c', command, process.execPath, main, ...args], {
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    running.push(broker);
    let output = '';
    broker.stdout!.on('data', (chunk) => {
      output += chunk;
    });
    const { ready } = await new Promise<{ ready: BrokerEndpoints }>((done) => {
      broker.once('message', (message) => done(message as { ready: BrokerEndpoints }));
    });
    return { endpoints: ready, output: () => output };
  }
  const stop = async () => {
    const broker = running.pop();
    if (!broker) return;
    const ended = new Promise((done) => broker.once('exit', done));
    broker.kill('SIGTERM');
    await ended;
  };

  test('is logged, makes sends fail, and loses no acknowledged message', async () => {
    const { endpoints, output } = await start(1500);
    const client = new ServiceBusClient(endpoints.connectionString, { retryOptions: { maxRetries: 0 } });
    const sender = client.createSender('q');
    let acknowledged = 0;
    const sendUntilRefused = async () => {
      for (;;) {
        await sender.sendMessages({
          body: acknowledged,
          applicationProperties: { padding: 'x'.repeat(20_000) },
        });
        acknowledged++;
      }
    };
    const refused = { code: 'ServiceBusy', message: expect.stringContaining('cannot write to its disk') };
    await expect(sendUntilRefused()).rejects.toMatchObject(refused);
    await expect(sendUntilRefused()).rejects.toMatchObject(refused);
    expect(acknowledged).toBeGreaterThan(10);
    expect(output()).toContain('cannot write to disk');
    expect((await client.createReceiver('q').peekMessages(1))[0]!.body).toBe(0);
    await client.close();
    await stop();

    const again = await start('unlimited');
    const other = new ServiceBusClient(again.endpoints.connectionString);
    const receiver = other.createReceiver('q', { receiveMode: 'receiveAndDelete' });
    const bodies: number[] = [];
    while (bodies.length < acknowledged) {
      const messages = await receiver.receiveMessages(100, { maxWaitTimeInMs: longWaitMs });
      if (messages.length === 0) break;
      bodies.push(...messages.map(({ body }) => body));
    }
    expect(bodies).toEqual(Array.from({ length: acknowledged }, (_, n) => n));
    await other.close();
    await stop();
  });
});
