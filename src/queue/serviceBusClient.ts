import {
  ServiceBusAdministrationClient,
  type ServiceBusAdministrationClientOptions,
  ServiceBusClient,
  type ServiceBusClientOptions,
} from '@azure/service-bus';
import { managedIdentity } from '../shared/managedIdentity.js';

/** A connection string, or the host name of a namespace for managed identity. */
export type QueueConnection = { connectionString: string } | { fullyQualifiedNamespace: string };

/** The queue and its connection. */
export interface QueueOptions {
  connection: QueueConnection;
  /** The name of the queue. */
  queue: string;
  /** The longest time for one call, ms. The time includes the retries of the SDK. */
  callTimeoutMs?: number;
}

/** Makes a client for messages. @throws Error if the connection string cannot be read */
export function createServiceBusClient(
  connection: QueueConnection,
  options: ServiceBusClientOptions,
): ServiceBusClient {
  return 'connectionString' in connection
    ? new ServiceBusClient(connection.connectionString, options)
    : new ServiceBusClient(connection.fullyQualifiedNamespace, managedIdentity, options);
}

/** Makes a client for the properties and counts of queues. @throws Error if the connection string cannot be read */
export function createAdministrationClient(
  connection: QueueConnection,
  options: ServiceBusAdministrationClientOptions,
): ServiceBusAdministrationClient {
  return 'connectionString' in connection
    ? new ServiceBusAdministrationClient(connection.connectionString, options)
    : new ServiceBusAdministrationClient(connection.fullyQualifiedNamespace, managedIdentity, options);
}
