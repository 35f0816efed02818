import { type ChildProcess, fork } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { ServiceBusClient, type ServiceBusReceivedMessage } from '@azure/service-bus';
import type { BrokerEndpoints } from '../local/simulators/servicebus/startBroker.js';

/** The result of killing a broker under load. */
export interface KillCounts {
  kills: number;
  acknowledgedSends: number;
  acknowledgedCompletions: number;
  acknowledgedAbandons: number;
  /** Messages acknowledged, not completed, and missing afterwards. */
  lost: number;
  /** Messages completed with acknowledgement, and present again afterwards. */
  undone: number;
  /** Messages with a delivery count lower than the number of acknowledged abandons. */
  forgottenDeliveries: number;
  /** Messages sent one after the other, and present in another order. */
  outOfOrder: number;
}

/** The operations of all rounds. Every set and the map hold message ids. */
interface OperationLog {
  sent: Set<string>;
  completed: Set<string>;
  /** Completions begun, acknowledged or not. */
  attempted: Set<string>;
  /** Number of acknowledged abandons by message id. */
  abandons: Map<string, number>;
  /** Number of the next message. */
  nextId: number;
}

const senders = 30;

/** The broker dies after this number of acknowledged operations in a round. */
const minSends = 60;
const minCompletions = 10;

/** The broker dies after this time even with fewer operations, because a client without an answer stops working. */
const longestRoundMs = 5_000;

const queue = 'killed';

/**
 * Kills a broker (SIGKILL) again and again while clients send, complete and abandon, and then compares the
 * acknowledged operations with the queue.
 *
 * @param main the broker's main module, built
 * @param folder of the broker's messages
 */
export async function killBroker(main: string, folder: string, kills: number): Promise<KillCounts> {
  const log: OperationLog = {
    sent: new Set(),
    completed: new Set(),
    attempted: new Set(),
    abandons: new Map(),
    nextId: 0,
  };
  const closings: Promise<unknown>[] = [];

  for (let kill = 0; kill < kills; kill++) {
    const { broker, endpoints } = await start(main, folder);
    const client = connect(endpoints);
    let isOver = false;
    const loaded = load(client, log, () => isOver);
    // Each round does some work, on a machine of any speed, before the broker dies at a random moment.
    const [sends, completions] = [log.sent.size + minSends, log.completed.size + minCompletions];
    const latest = Date.now() + longestRoundMs;
    while ((log.sent.size < sends || log.completed.size < completions) && Date.now() < latest) await delay(5);
    await delay(50 + Math.random() * 250);
    isOver = true;
    const ended = new Promise((resolve) => broker.once('exit', resolve));
    broker.kill('SIGKILL');
    await ended;
    // The SDK tries for a while to reach the dead broker. The next round does not wait for the SDK.
    const closed = Promise.all([loaded, client.close().catch(() => {})]);
    closings.push(closed);
    await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, 200))]);
  }

  const { broker, endpoints } = await start(main, folder);
  const client = connect(endpoints);
  const deliveryCounts = new Map<string, number>();
  const receiver = client.createReceiver(queue);
  for (
    let more = await receiver.peekMessages(250);
    more.length > 0;
    more = await receiver.peekMessages(250)
  ) {
    for (const message of more) deliveryCounts.set(String(message.messageId), message.deliveryCount ?? 0);
  }
  await client.close();
  // Wait at most 3 s: for some calls to a dead broker, the SDK waits a minute.
  await Promise.race([Promise.all(closings), new Promise((resolve) => setTimeout(resolve, 3000))]);
  const ended = new Promise((resolve) => broker.once('exit', resolve));
  broker.kill('SIGTERM');
  await ended;

  const isThere = (id: string) => deliveryCounts.has(id);
  return {
    kills,
    acknowledgedSends: log.sent.size,
    acknowledgedCompletions: log.completed.size,
    acknowledgedAbandons: [...log.abandons.values()].reduce((sum, count) => sum + count, 0),
    // A completion under way when the broker died may have counted or not.
    lost: [...log.sent].filter((id) => !isThere(id) && !log.attempted.has(id)).length,
    undone: [...log.completed].filter(isThere).length,
    forgottenDeliveries: [...log.abandons].filter(
      ([id, count]) => isThere(id) && deliveryCounts.get(id)! < count,
    ).length,
    outOfOrder: countOutOfOrder([...deliveryCounts.keys()]),
  };
}

/** Sends, completes and abandons messages until `isOver` or until the broker dies, and logs each acknowledgement. */
async function load(client: ServiceBusClient, log: OperationLog, isOver: () => boolean): Promise<void> {
  const sender = client.createSender(queue);
  const receiver = client.createReceiver(queue, { maxAutoLockRenewalDurationInMs: 0 });
  const send = async (name: number) => {
    while (!isOver()) {
      const messageId = `${name}-${log.nextId++}`;
      await sender.sendMessages({ messageId, body: Buffer.alloc(500, 'x') });
      log.sent.add(messageId);
    }
  };
  // Every fourth turn abandons, the other turns complete. The two are never mixed in one tick: rhea merges
  // neighbouring settlements into one disposition, even with different outcomes.
  const settleOne = async (message: ServiceBusReceivedMessage, isAbandoned: boolean) => {
    const id = String(message.messageId);
    if (isAbandoned) {
      await receiver.abandonMessage(message);
      log.abandons.set(id, (log.abandons.get(id) ?? 0) + 1);
    } else {
      log.attempted.add(id);
      await receiver.completeMessage(message);
      log.completed.add(id);
    }
  };
  const settle = async () => {
    for (let turn = 0; !isOver(); turn++) {
      const messages = await receiver.receiveMessages(50, { maxWaitTimeInMs: 1000 });
      await Promise.all(messages.map((message) => settleOne(message, turn % 4 === 3)));
    }
  };
  const all = [...Array.from({ length: senders }, (_, name) => send(name)), settle()];
  // Errors are expected: the broker dies in the middle of all of these calls.
  await Promise.all(all.map((one) => one.catch(() => {})));
}

/** @param ids `<sender>-<number>`, in the order of the queue */
function countOutOfOrder(ids: string[]): number {
  const last = new Map<string, number>();
  let count = 0;
  for (const id of ids) {
    const [sender = '', number = ''] = id.split('-');
    if (Number(number) < (last.get(sender) ?? -1)) count++;
    last.set(sender, Number(number));
  }
  return count;
}

async function start(
  main: string,
  folder: string,
): Promise<{ broker: ChildProcess; endpoints: BrokerEndpoints }> {
  const args = [
    '--port',
    '0',
    '--credits',
    '0',
    '--folder',
    folder,
    '--queue',
    `${queue}:lock=5,deliveries=2000`,
  ];
  const broker = fork(main, args, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], execArgv: [] });
  const { ready } = await new Promise<{ ready: BrokerEndpoints }>((resolve, reject) => {
    broker.once('message', (message) => resolve(message as { ready: BrokerEndpoints }));
    broker.once('exit', (code) => reject(new Error(`the broker ended with code ${code}`)));
  });
  return { broker, endpoints: ready };
}

const connect = ({ connectionString }: BrokerEndpoints) =>
  new ServiceBusClient(connectionString, { retryOptions: { maxRetries: 0, timeoutInMs: 2000 } });
