import { ServiceBusClient } from '@azure/service-bus';

/**
 * A broker that is restarted on this machine is back at once: look often, and do not wait long for answers. Receiving is tried again
 * for ever, whatever `maxRetries` says.
 */
const retryOptions = { maxRetries: 1, retryDelayInMs: 500, maxRetryDelayInMs: 2_000, timeoutInMs: 5_000 };

/**
 * Connects by the Functions convention for a trigger's `connection`: the setting `NAME` holds a connection string, or
 * `NAME__fullyQualifiedNamespace` the name of a namespace that is entered with this machine's Azure identity. `AzureWebJobsNAME`
 * goes before `NAME`.
 *
 * @throws Error naming the settings that are missing
 */
export async function connect(name: string, env: NodeJS.ProcessEnv = process.env): Promise<ServiceBusClient> {
  for (const setting of [`AzureWebJobs${name}`, name]) {
    const connectionString = env[setting];
    if (connectionString) return new ServiceBusClient(connectionString, { retryOptions });
    const namespace = env[`${setting}__fullyQualifiedNamespace`];
    if (namespace) {
      // Takes a while to load, and is only needed here.
      const { DefaultAzureCredential } = await import('@azure/identity');
      return new ServiceBusClient(namespace, new DefaultAzureCredential(), { retryOptions });
    }
  }
  throw new Error(
    `the Service Bus connection is missing: set ${name} (a connection string) or ${name}__fullyQualifiedNamespace (for example contoso.servicebus.windows.net)`,
  );
}
