import type { Call, SettlementClient } from './settlementClient.js';

/** Settles messages through the Functions host. */
export interface Settlement {
  /**
   * Completes a message. A host that is draining abandons every message that the function has not settled itself, also after success.
   *
   * @throws Error if the host cannot settle the message now
   */
  complete(lockToken: string): Promise<void>;
  /** @throws Error if the host cannot settle the message now; hosts answer UNIMPLEMENTED while they restart */
  deadLetter(lockToken: string, reason: string, description: string): Promise<void>;
  close(): void;
}

const deadlineMs = 10_000;
/** Service Bus takes 4,096 characters each for reason and description. */
const longest = 4_096;

/** Opens the settlement service. gRPC is loaded for the first message: only a worker settles. @param endpoint host and port, from `settlementEndpoint` */
export function openSettlement(endpoint: string): Settlement {
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
    close: () => void connected?.then((client) => client.close()).catch(() => {}),
  };
}

/**
 * The address of the Functions host that started this worker. Newer hosts pass `--functions-uri http://127.0.0.1:PORT/`, older hosts
 * pass `--host 127.0.0.1 --port PORT`.
 *
 * @param args the worker's command line
 * @returns host and port, or null if the process is not a Functions worker
 */
export function settlementEndpoint(args: readonly string[]): string | null {
  const value = (name: string) => {
    const joined = args.find((arg) => arg.startsWith(`${name}=`));
    return joined ? joined.slice(name.length + 1) : args[args.indexOf(name) + 1 || args.length];
  };
  const uri = value('--functions-uri');
  if (uri) return new URL(uri).host;
  const [host, port] = [value('--host'), value('--port')];
  return host && port ? `${host}:${port}` : null;
}
