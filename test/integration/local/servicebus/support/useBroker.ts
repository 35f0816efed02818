import { createHmac } from 'node:crypto';
import {
  ServiceBusClient,
  type ServiceBusReceivedMessage,
  type ServiceBusReceiver,
} from '@azure/service-bus';
import type { Engine } from '../../../../../local/simulators/servicebus/engine/Engine.js';
import type { QueueOptions } from '../../../../../local/simulators/servicebus/engine/QueueProperties.js';
import { connectionStringFor } from '../../../../../local/simulators/servicebus/sharedAccess.js';
import {
  type BrokerDependencies,
  startBroker,
} from '../../../../../local/simulators/servicebus/startBroker.js';
import type { EpochMs } from '../../../../../src/shared/time.js';

/** Upper limit of waiting for a message. A test on a slow machine may need some of this time. */
export const longWaitMs = 20_000;

export interface TestBroker {
  connectionString: string;
  port: number;
  caFile: string;
  client: ServiceBusClient;
  engine: Engine;
  /** The broker's log. */
  lines: string[];
}

/**
 * Starts a broker in memory and a client for the tests of one `describe`. The client does not retry, so a test sees every error.
 */
export function useBroker(
  queues: QueueOptions[] = [{ name: 'q' }],
  parts: BrokerDependencies = {},
): TestBroker {
  const broker = { lines: [] as string[] } as TestBroker;
  let close: () => Promise<void>;
  beforeAll(async () => {
    const log = (line: string) => broker.lines.push(line);
    const started = await startBroker({ port: 0, queues, log }, parts);
    close = started.close;
    Object.assign(broker, started.endpoints, { engine: started.engine });
    broker.client = new ServiceBusClient(broker.connectionString, {
      retryOptions: { maxRetries: 0, retryDelayInMs: 10 },
    });
  });
  afterAll(async () => {
    await broker.client.close();
    await close();
  });
  return broker;
}

/** A shared access signature with all rights for an address, valid for an hour. @param now of the broker's clock */
export function accessToken(address: string, now: EpochMs = Date.now()): string {
  const key = /SharedAccessKey=([^;]*)/.exec(connectionStringFor(0))![1]!;
  const resource = encodeURIComponent(address);
  const expires = Math.ceil(now / 1000) + 3600;
  const signature = createHmac('sha256', key).update(`${resource}\n${expires}`).digest('base64');
  return `SharedAccessSignature sr=${resource}&sig=${encodeURIComponent(signature)}&se=${expires}&skn=RootManageSharedAccessKey`;
}

/** Receives exactly `count` messages with a new receiver. Fails if fewer messages arrive. */
export async function receive(broker: TestBroker, queue: string, count: number) {
  const receiver = broker.client.createReceiver(queue);
  return { receiver, messages: await receiveAll(receiver, count) };
}

/** Receives exactly `count` messages. Fails if no further message arrives for a long time. */
export async function receiveAll(receiver: ServiceBusReceiver, count: number) {
  const messages: ServiceBusReceivedMessage[] = [];
  while (messages.length < count) {
    const more = await receiver.receiveMessages(count - messages.length, { maxWaitTimeInMs: longWaitMs });
    if (more.length === 0) throw new Error(`only ${messages.length} of ${count} messages arrived`);
    messages.push(...more);
  }
  return messages;
}

/** Resolves with the new end of the lock at the next lock renewal in this queue. */
export function nextRenewal(engine: Engine, queueName: string): Promise<EpochMs> {
  const queue = engine.find(queueName)!;
  const renew = queue.renew.bind(queue);
  return new Promise((resolve) => {
    queue.renew = (lockToken) => {
      const lockedUntil = renew(lockToken);
      queue.renew = renew;
      resolve(lockedUntil);
      return lockedUntil;
    };
  });
}
