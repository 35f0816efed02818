import { credentials, loadPackageDefinition, type ServiceError } from '@grpc/grpc-js';
import { fromJSON } from '@grpc/proto-loader';

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

/** Opens the client of the settlement service. @param endpoint host and port, from `settlementEndpoint` */
export function openSettlement(endpoint: string): Settlement {
  const definition = loadPackageDefinition(fromJSON(protocol as Parameters<typeof fromJSON>[0]));
  const Client = definition.Settlement as unknown as new (
    address: string,
    credentials: unknown,
  ) => SettlementClient;
  const client = new Client(endpoint, credentials.createInsecure());
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
