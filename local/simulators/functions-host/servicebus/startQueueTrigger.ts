import { setTimeout as delay } from 'node:timers/promises';
import { ServiceBusClient, type ServiceBusReceivedMessage } from '@azure/service-bus';
import type { App } from '../createApp.js';
import type { HostSettings } from '../hostSettings.js';
import { describeError } from '../invoke.js';
import { createConcurrencyLimit, type RunningInvocations, type Trigger } from '../trigger.js';
import { processMessage, type QueueFunction } from './processMessage.js';
import { createSettler, keepLock, type UnderProcessing } from './settler.js';

/** The SDK's own stop and close wait for a broker that is away. */
const patienceMs = 2_000;

/** Two connections to the same namespace; `createSettler` says why. */
export interface QueueClients {
  receiving: ServiceBusClient;
  settling: ServiceBusClient;
}

export interface QueueTriggerOptions {
  settings: HostSettings['serviceBus'];
  running: RunningInvocations;
  underProcessing: UnderProcessing;
  onEvent(line: string): void;
}

/**
 * Receives a queue's messages and runs the function for each, never more than `maxConcurrentCalls` at a time. A broker that
 * cannot be reached is looked for until it is there.
 */
export function startQueueTrigger(
  app: App,
  clients: QueueClients,
  queueFunction: QueueFunction,
  options: QueueTriggerOptions,
): Trigger {
  const { name, queueName } = queueFunction;
  const { settings, running, onEvent } = options;
  const receiver = clients.receiving.createReceiver(queueName, {
    receiveMode: 'peekLock',
    maxAutoLockRenewalDurationInMs: 0,
    skipParsingBodyAsJson: true,
    skipConvertingDate: true,
  });
  const settler = createSettler(receiver, clients.settling.createReceiver(queueName));
  const slots = createConcurrencyLimit(settings.maxConcurrentCalls);
  const outage = reportOutage(name, queueName, onEvent);
  let held = 0;

  const handle = async (message: ServiceBusReceivedMessage) => {
    outage.over();
    held += 1;
    const stopRenewal = keepLock(message, settler, {
      forMs: settings.maxAutoLockRenewalMs,
      onLost: (error) =>
        onEvent(
          `${name}: the lock of message ${message.messageId} could not be renewed: ${describeError(error)}`,
        ),
    });
    if (await slots.acquire()) {
      await running.run(name, () => processMessage(app, queueFunction, settler, message, options));
      slots.release();
    } else {
      // Stopped before its turn: others can have it now instead of when its lock ends.
      await settler.abandon(message).catch(() => {});
    }
    stopRenewal();
    // The SDK asks for one more message whenever this returns, and after a reconnect it asks for a full set besides those that are
    // still under processing. Never returning takes the surplus back: messages must not wait here with their locks running.
    if (held-- > settings.maxConcurrentCalls) await new Promise(() => {});
  };

  const subscription = receiver.subscribe(
    {
      processMessage: handle,
      processError: async ({ error, errorSource }) => {
        if (errorSource === 'receive') outage.begin(error);
      },
    },
    { autoCompleteMessages: false, maxConcurrentCalls: settings.maxConcurrentCalls },
  );

  return {
    stop: async () => {
      slots.close();
      await Promise.race([subscription.close(), delay(patienceMs, undefined, { ref: false })]);
      // The SDK hands over what has come in by now in timers of its own; closing the link before that would leave it locked.
      await delay(20);
    },
    close: async () => {
      await Promise.race([
        Promise.all([clients.receiving.close(), clients.settling.close()]),
        delay(patienceMs, undefined, { ref: false }),
      ]);
    },
  };
}

/** Says once that the queue cannot be reached, and once that it can again. */
export function reportOutage(functionName: string, queueName: string, onEvent: (line: string) => void) {
  let away = false;
  return {
    begin: (error: Error) => {
      if (!away)
        onEvent(
          `${functionName}: queue ${queueName} cannot be reached, trying until it can: ${error.message}`,
        );
      away = true;
    },
    over: () => {
      if (away) onEvent(`${functionName}: queue ${queueName} can be reached again`);
      away = false;
    },
  };
}

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
