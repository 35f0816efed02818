import { promisify } from 'node:util';
import {
  type handleUnaryCall,
  Server,
  ServerCredentials,
  type ServiceDefinition,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { fromJSON } from '@grpc/proto-loader';
import type { HostFaults } from '../hostFaults.js';
import type { MessageUnderProcessing, UnderProcessing } from './settler.js';

/** A request of the Settlement service. */
interface SettlementRequest {
  locktoken: string;
  /** An AMQP map. */
  propertiesToModify?: Uint8Array;
  deadletterReason?: { value?: string } | null;
  deadletterErrorDescription?: { value?: string } | null;
}

const locktoken = { type: 'string', id: 1 };
const propertiesToModify = { type: 'bytes', id: 2 };
const unary = (requestType: string) => ({
  requestType,
  responseType: 'google.protobuf.Empty',
  comment: '',
});

/**
 * The gRPC service `Settlement` of the host's Service Bus extension, reduced to the methods that this project uses. The
 * gRPC server answers UNIMPLEMENTED to the other methods. Source: settlement.proto in Azure/azure-sdk-for-net,
 * WebJobs.Extensions.ServiceBus.
 */
const settlementService = fromJSON(
  {
    nested: {
      Settlement: {
        methods: {
          Complete: unary('CompleteRequest'),
          Abandon: unary('AbandonRequest'),
          Deadletter: unary('DeadletterRequest'),
          RenewMessageLock: unary('RenewMessageLockRequest'),
        },
      },
      CompleteRequest: { fields: { locktoken } },
      AbandonRequest: { fields: { locktoken, propertiesToModify } },
      DeadletterRequest: {
        fields: {
          locktoken,
          propertiesToModify,
          deadletterReason: { type: 'google.protobuf.StringValue', id: 3 },
          deadletterErrorDescription: { type: 'google.protobuf.StringValue', id: 4 },
        },
      },
      RenewMessageLockRequest: { fields: { locktoken } },
      google: {
        nested: {
          protobuf: {
            nested: { Empty: { fields: {} }, StringValue: { fields: { value: { type: 'string', id: 1 } } } },
          },
        },
      },
    },
  },
  { defaults: true },
).Settlement as ServiceDefinition;

/** Maximum length of a reason or description in the host's .NET SDK, in characters. */
const longestReason = 4_096;

/**
 * Serves `Settlement` on a free loopback port. A running function can settle its message by lock token.
 *
 * @returns the address in the form in which the host passes it to workers
 */
export async function startSettlement(
  underProcessing: UnderProcessing,
  faults: Pick<HostFaults, 'settlementUnimplemented'> = { settlementUnimplemented: false },
): Promise<{ url: string; close(): Promise<void> }> {
  const server = new Server();
  server.addService(settlementService, {
    Complete: serve(async (held) => {
      await held.settler.complete(held.message);
      held.settled = 'completed';
    }),
    Abandon: serve(async (held) => {
      await held.settler.abandon(held.message);
      held.settled = 'abandoned';
    }),
    Deadletter: serve(async (held, { deadletterReason, deadletterErrorDescription }) => {
      const [reason, description] = [deadletterReason?.value, deadletterErrorDescription?.value];
      for (const text of [reason, description]) {
        if (text && text.length > longestReason) throw new Error(`longer than ${longestReason} characters`);
      }
      await held.settler.deadLetter(held.message, reason ?? '', description ?? '');
      held.settled = 'dead-lettered';
    }),
    RenewMessageLock: serve(async ({ settler, message }) => {
      await settler.renewLock(message);
    }),
  });

  function serve(
    act: (held: MessageUnderProcessing, request: SettlementRequest) => Promise<void>,
  ): handleUnaryCall<SettlementRequest, object> {
    return ({ request }, answer) => {
      if (faults.settlementUnimplemented)
        return answer(grpcError(status.UNIMPLEMENTED, 'Service is unimplemented.'));
      const held = underProcessing.get(request.locktoken);
      if (!held) {
        return answer(grpcError(status.FAILED_PRECONDITION, `LockToken ${request.locktoken} not found.`));
      }
      if (request.propertiesToModify?.length) {
        return answer(grpcError(status.UNIMPLEMENTED, 'the local host does not support propertiesToModify'));
      }
      act(held, request).then(
        () => answer(null, {}),
        (error) => answer(grpcError(status.UNKNOWN, String(error))),
      );
    };
  }

  const port = await promisify(server.bindAsync.bind(server))(
    '127.0.0.1:0',
    ServerCredentials.createInsecure(),
  );
  return { url: `http://127.0.0.1:${port}/`, close: async () => server.forceShutdown() };
}

function grpcError(code: status, details: string): Partial<ServiceError> {
  return { code, details };
}
