import { type ChildProcess, fork } from 'node:child_process';
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

const senders = 30;
const queue = 'killed';

/**
 * Kills a broker (SIGKILL) again and again while clients send, complete and abandon, and then compares the
 * acknowledged operations with the queue.
 *
 * @param main the broker's main module, built
 * @param folder of the broker's messages
 */
export async function killBroker(main: string, folder: string, kills: number): Promise<KillCounts> {
  const sent = new Set<string>();
  const completed = new Set<string>();
  const attempted = new Set<string>();
  const abandons = new Map<string, number>();
  const closings: Promise<unknown>[] = [];
  let nextId = 0;

  const load = async (client: ServiceBusClient, isOver: () => boolean) => {
    const sender = client.createSender(queue);
    const receiver = client.createReceiver(queue, { maxAutoLockRenewalDurationInMs: 0 });
    const send = async (name: number) => {
      while (!isOver()) {
        const messageId = `${name}-${nextId++}`;
        await sender.sendMessages({ messageId, body: Buffer.alloc(500, 'x') });
        sent.add(messageId);
      }
    };
    // Every fourth turn abandons, the other turns complete. The two are never mixed in one tick: rhea merges
    // neighbouring settlements into one disposition, even with different outcomes.
    const settleOne = async (message: ServiceBusReceivedMessage, isAbandoned: boolean) => {
      const id = String(message.messageId);
      if (isAbandoned) {
        await receiver.abandonMessage(message);
        abandons.set(id, (abandons.get(id) ?? 0) + 1);
      } else {
        attempted.add(id);
        await receiver.completeMessage(message);
        completed.add(id);
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
  };

  for (let kill = 0; kill < kills; kill++) {
    const { broker, endpoints } = await start(main, folder);
    const client = connect(endpoints);
    let isOver = false;
    const loaded = load(client, () => isOver);
    await new Promise((resolve) => setTimeout(resolve, 150 + Math.random() * 250));
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
    acknowledgedSends: sent.size,
    acknowledgedCompletions: completed.size,
    acknowledgedAbandons: [...abandons.values()].reduce((sum, count) => sum + count, 0),
    // A completion under way when the broker died may have counted or not.
    lost: [...sent].filter((id) => !isThere(id) && !attempted.has(id)).length,
    undone: [...completed].filter(isThere).length,
    forgottenDeliveries: [...abandons].filter(([id, count]) => isThere(id) && deliveryCounts.get(id)! < count)
      .length,
    outOfOrder: countOutOfOrder([...deliveryCounts.keys()]),
  };
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
  const args = ['--port', '0', '--folder', folder, '--queue', `${queue}:lock=5,deliveries=2000`];
  const broker = fork(main, args, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], execArgv: [] });
  const { ready } = await new Promise<{ ready: BrokerEndpoints }>((resolve, reject) => {
    broker.once('message', (message) => resolve(message as { ready: BrokerEndpoints }));
    broker.once('exit', (code) => reject(new Error(`the broker ended with code ${code}`)));
  });
  return { broker, endpoints: ready };
}

const connect = ({ connectionString }: BrokerEndpoints) =>
  new ServiceBusClient(connectionString, { retryOptions: { maxRetries: 0, timeoutInMs: 2000 } });
