import type { ServiceDefinition } from '@grpc/grpc-js';
import { fromJSON } from '@grpc/proto-loader';

/** A request of the Settlement service. */
export interface SettlementRequest {
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
 * The gRPC service `Settlement` of the host's Service Bus extension: the part that is served here. To its other methods the
 * server answers UNIMPLEMENTED by itself. (settlement.proto in Azure/azure-sdk-for-net, WebJobs.Extensions.ServiceBus.)
 */
export const settlementService = fromJSON(
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
