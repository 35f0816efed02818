import { type Clock, systemClock } from '../shared/time.js';
import type { LockSettlement } from './lockSettlement.js';
import { waitsOfWorkers, withPatience } from './patience.js';
import type { QueueOptions } from './serviceBusClient.js';
import type { Call, SettlementClient } from './settlementClient.js';

/** Settles the messages of this worker. */
export interface Settlement {
  /**
   * Completes a message. A host that is draining abandons every message that the function has not settled itself, also after success.
   *
   * @throws Error if the host cannot settle the message now
   */
  complete(lockToken: string): Promise<void>;
  /**
   * Moves a message to the dead-letter queue. Some hosts answer UNIMPLEMENTED, for moments or always. The message is then moved over a
   * connection of our own, with the same reason.
   *
   * @throws Error if neither can settle the message now
   */
  deadLetter(lockToken: string, reason: string, description: string): Promise<void>;
  close(): Promise<void>;
}

const deadlineMs = 10_000;
/** Service Bus takes 4,096 characters each for reason and description. */
const longest = 4_096;

/**
 * Opens the settlement of this worker's messages. gRPC and the client of Service Bus are loaded at their first use: only a worker settles.
 *
 * @param endpoint from `settlementEndpoint`; null if this process is no worker of a Functions host
 * @param clock for the waits while Service Bus has no credits
 */
export function openSettlement(
  endpoint: string | null,
  queue: QueueOptions,
  clock: Pick<Clock, 'sleep'> = systemClock,
): Settlement {
  const host = endpoint === null ? null : openHostSettlement(endpoint);
  let own: Promise<LockSettlement> | undefined;
  return {
    async complete(lockToken) {
      if (!host) throw new Error('The arguments of this process name no Functions host.');
      await host.complete(lockToken);
    },
    async deadLetter(...message) {
      try {
        if (host) return await host.deadLetter(...message);
      } catch {
        // The cause does not matter: the message is moved in another way.
      }
      own ??= import('./lockSettlement.js').then(({ openLockSettlement }) => openLockSettlement(queue));
      const { deadLetter } = await own;
      // Without the waits, Service Bus would deliver the message again at once, until its ten deliveries are used up.
      await withPatience({ clock, random: Math.random, waits: waitsOfWorkers }, () => deadLetter(...message));
    },
    async close() {
      await Promise.all([host?.close(), own?.then((opened) => opened.close())]);
    },
  };
}

/** Opens the client of the host's settlement service. */
function openHostSettlement(endpoint: string): Settlement {
  let connected: Promise<SettlementClient> | undefined;
  async function call<M extends 'complete' | 'deadletter'>(
    method: M,
    request: Parameters<SettlementClient[M]>[0],
    done: string,
  ): Promise<void> {
    connected ??= import('./settlementClient.js').then((grpc) => grpc.createSettlementClient(endpoint));
    const client = await connected;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const send = client[method] as Call<typeof request>;
    send.call(client, request, { deadline: Date.now() + deadlineMs }, (error) => {
      if (error) reject(new Error(`the message cannot be ${done} now (${error.code} ${error.details})`));
      else resolve();
    });
    return promise;
  }
  return {
    complete: (locktoken) => call('complete', { locktoken }, 'completed'),
    deadLetter: (locktoken, reason, description) =>
      call(
        'deadletter',
        {
          locktoken,
          deadletterReason: { value: reason.slice(0, longest) },
          deadletterErrorDescription: { value: description.slice(0, longest) },
        },
        'dead-lettered',
      ),
    close: async () => (await connected)?.close(),
  };
}

/**
 * The address of the Functions host that started this worker. Newer hosts pass `--functions-uri http://127.0.0.1:PORT/`, older hosts
 * pass `--host 127.0.0.1 --port PORT`.
 *
 * @param args the worker's command line
 * @returns the address with its scheme, such as `http://127.0.0.1:5001`; null if the process is not a Functions worker
 */
export function settlementEndpoint(args: readonly string[]): string | null {
  const value = (name: string) => {
    const joined = args.find((arg) => arg.startsWith(`${name}=`));
    return joined ? joined.slice(name.length + 1) : args[args.indexOf(name) + 1 || args.length];
  };
  const uri = value('--functions-uri');
  if (uri) return new URL(uri).origin;
  const [host, port] = [value('--host'), value('--port')];
  return host && port ? `http://${host}:${port}` : null;
}
