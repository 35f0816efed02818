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

/** A call of the service. */
export type Call<Request> = (
  request: Request,
  options: { deadline: number },
  callback: (error: ServiceError | null) => void,
) => void;

/** The service, as gRPC offers it. */
export interface SettlementClient {
  complete: Call<{ locktoken: string }>;
  deadletter: Call<DeadletterRequest>;
  close(): void;
}

/**
 * Makes a client of the settlement service.
 *
 * @param endpoint the address with its scheme, such as `http://127.0.0.1:5001`; `https` is called over TLS
 */
export function createSettlementClient(endpoint: string): SettlementClient {
  const definition = loadPackageDefinition(fromJSON(protocol as Parameters<typeof fromJSON>[0]));
  const Client = definition.Settlement as unknown as new (
    address: string,
    credentials: unknown,
  ) => SettlementClient;
  const { protocol: scheme, hostname, port } = new URL(endpoint);
  const isSecure = scheme === 'https:';
  const address = `${hostname}:${port || (isSecure ? 443 : 80)}`;
  return new Client(address, isSecure ? credentials.createSsl() : credentials.createInsecure());
}
