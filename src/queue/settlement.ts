import { credentials, loadPackageDefinition, type ServiceError } from '@grpc/grpc-js';
import { fromJSON } from '@grpc/proto-loader';
import { openLockSettlement } from './lockSettlement.js';
import type { QueueOptions } from './serviceBusClient.js';

/**
 * The used part of the Functions host's gRPC service. The service settles a message by its lock token, and was made for .NET isolated
 * workers. The address of the service is in the worker's command line.
 */
const protocol = {
  nested: {
    Settlement: {
      methods: {
        Complete: { requestType: 'CompleteRequest', responseType: 'google.protobuf.Empty' },
        Deadletter: { requestType: 'DeadletterRequest', responseType: 'google.protobuf.Empty' },
      },
    },
    CompleteRequest: { fields: { locktoken: { type: 'string', id: 1 } } },
    DeadletterRequest: {
      fields: {
        locktoken: { type: 'string', id: 1 },
        propertiesToModify: { type: 'bytes', id: 2 },
        deadletterReason: { type: 'google.protobuf.StringValue', id: 3 },
        deadletterErrorDescription: { type: 'google.protobuf.StringValue', id: 4 },
      },
    },
    google: {
      nested: {
        protobuf: {
          nested: { StringValue: { fields: { value: { type: 'string', id: 1 } } }, Empty: { fields: {} } },
        },
      },
    },
  },
};

interface DeadletterRequest {
  locktoken: string;
  deadletterReason: { value: string };
  deadletterErrorDescription: { value: string };
}

type Call<Request> = (
  request: Request,
  options: { deadline: number },
  callback: (error: ServiceError | null) => void,
) => void;

interface SettlementClient {
  complete: Call<{ locktoken: string }>;
  deadletter: Call<DeadletterRequest>;
  close(): void;
}

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
 * Opens the settlement of this worker's messages.
 *
 * @param endpoint from `settlementEndpoint`; null if this process is no worker of a Functions host
 */
export function openSettlement(endpoint: string | null, queue: QueueOptions): Settlement {
  const host = endpoint === null ? null : openHostSettlement(endpoint);
  let own: ReturnType<typeof openLockSettlement> | undefined;
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
      own ??= openLockSettlement(queue);
      await own.deadLetter(...message);
    },
    async close() {
      host?.close();
      await own?.close();
    },
  };
}

/** The settlement service of the Functions host. */
interface HostSettlement extends Pick<Settlement, 'complete' | 'deadLetter'> {
  close(): void;
}

/** Opens the client of the settlement service. */
function openHostSettlement(endpoint: string): HostSettlement {
  const definition = loadPackageDefinition(fromJSON(protocol as Parameters<typeof fromJSON>[0]));
  const Client = definition.Settlement as unknown as new (
    address: string,
    credentials: unknown,
  ) => SettlementClient;
  const { protocol: scheme, hostname, port } = new URL(endpoint);
  const isSecure = scheme === 'https:';
  const address = `${hostname}:${port || (isSecure ? 443 : 80)}`;
  const client = new Client(address, isSecure ? credentials.createSsl() : credentials.createInsecure());
  const call = <Request>(method: Call<Request>, request: Request, done: string) =>
    new Promise<void>((resolve, reject) => {
      method.call(client, request, { deadline: Date.now() + deadlineMs }, (error) => {
        if (error) reject(new Error(`the message cannot be ${done} now (${error.code} ${error.details})`));
        else resolve();
      });
    });
  return {
    complete: (locktoken) => call(client.complete, { locktoken }, 'completed'),
    deadLetter: (locktoken, reason, description) =>
      call(
        client.deadletter,
        {
          locktoken,
          deadletterReason: { value: reason.slice(0, longest) },
          deadletterErrorDescription: { value: description.slice(0, longest) },
        },
        'dead-lettered',
      ),
    close: () => client.close(),
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
