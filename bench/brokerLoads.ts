import { performance } from 'node:perf_hooks';
import type { ServiceBusClient, ServiceBusMessage } from '@azure/service-bus';

/** A body of 500 bytes. */
const body = Buffer.alloc(500, 'x');

const perSecond = (count: number, startedAt: number) => (count * 1000) / (performance.now() - startedAt);

/** @returns messages a second */
export async function sendOneByOne(client: ServiceBusClient, queue: string, count: number): Promise<number> {
  const sender = client.createSender(queue);
  await sender.createMessageBatch();
  const startedAt = performance.now();
  for (let n = 0; n < count; n++) await sender.sendMessages({ body });
  const rate = perSecond(count, startedAt);
  await sender.close();
  return rate;
}

/** Keeps 500 sends in flight. @returns messages a second */
export async function sendParallel(client: ServiceBusClient, queue: string, count: number): Promise<number> {
  const sender = client.createSender(queue);
  await sender.createMessageBatch();
  let left = count;
  const startedAt = performance.now();
  const one = async () => {
    while (left-- > 0) await sender.sendMessages({ body });
  };
  await Promise.all(Array.from({ length: 500 }, one));
  const rate = perSecond(count, startedAt);
  await sender.close();
  return rate;
}

/** Sends batches of 100. @returns messages a second */
export async function sendBatches(
  client: ServiceBusClient,
  queue: string,
  count: number,
  { scheduledInMs }: { scheduledInMs?: number } = {},
): Promise<number> {
  const sender = client.createSender(queue);
  await sender.createMessageBatch();
  const message: ServiceBusMessage = { body };
  if (scheduledInMs !== undefined) message.scheduledEnqueueTimeUtc = new Date(Date.now() + scheduledInMs);
  const startedAt = performance.now();
  for (let n = 0; n < count; n += 100) await sender.sendMessages(new Array(100).fill(message));
  const rate = perSecond(count, startedAt);
  await sender.close();
  return rate;
}

/** Receives and completes `count` messages, 100 in flight. @returns messages a second */
export async function receiveAll(client: ServiceBusClient, queue: string, count: number): Promise<number> {
  const receiver = client.createReceiver(queue, { maxAutoLockRenewalDurationInMs: 0 });
  let completed = 0;
  const startedAt = performance.now();
  let subscription: { close(): Promise<void> } | undefined;
  await new Promise<void>((resolve, reject) => {
    subscription = receiver.subscribe(
      {
        async processMessage(message) {
          await receiver.completeMessage(message);
          if (++completed === count) resolve();
        },
        processError: async ({ error }) => reject(error),
      },
      { maxConcurrentCalls: 100, autoCompleteMessages: false },
    );
  });
  const rate = perSecond(count, startedAt);
  await subscription?.close();
  await receiver.close();
  return rate;
}

/** Measures from before the send to the call of the handler, one message at a time. @returns milliseconds */
export async function latency(client: ServiceBusClient, queue: string, count: number) {
  const sender = client.createSender(queue);
  const receiver = client.createReceiver(queue);
  let arrived: () => void = () => {};
  receiver.subscribe(
    { processMessage: async () => arrived(), processError: async () => {} },
    { maxConcurrentCalls: 10 },
  );
  const times: number[] = [];
  for (let n = -100; n < count; n++) {
    const startedAt = performance.now();
    const handled = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    await Promise.all([
      sender.sendMessages({ body }),
      handled.then(() => times.push(performance.now() - startedAt)),
    ]);
    if (n < 0) times.length = 0;
  }
  await Promise.all([sender.close(), receiver.close()]);
  times.sort((a, b) => a - b);
  return { p50: times[Math.floor(count * 0.5)]!, p99: times[Math.floor(count * 0.99)]! };
}
