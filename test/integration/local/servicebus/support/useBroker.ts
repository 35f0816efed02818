import { ServiceBusClient } from '@azure/service-bus';
import type { Engine } from '../../../../../local/simulators/servicebus/engine/Engine.js';
import type { QueueOptions } from '../../../../../local/simulators/servicebus/engine/QueueProperties.js';
import {
  type BrokerDependencies,
  startBroker,
} from '../../../../../local/simulators/servicebus/startBroker.js';

export interface TestBroker {
  connectionString: string;
  port: number;
  caFile: string;
  client: ServiceBusClient;
  engine: Engine;
  /** What the broker logged. */
  lines: string[];
}

/**
 * A broker in memory, with a client, for the tests of one `describe`; the queue `q` unless others are given.
 * The client does not retry, so that a test sees every error.
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

/** Receives this many messages, or fails. */
export async function receive(broker: TestBroker, queue: string, count: number) {
  const receiver = broker.client.createReceiver(queue);
  const messages = [];
  while (messages.length < count) {
    const more = await receiver.receiveMessages(count - messages.length, { maxWaitTimeInMs: 2000 });
    if (more.length === 0) throw new Error(`only ${messages.length} of ${count} messages came`);
    messages.push(...more);
  }
  return { receiver, messages };
}
