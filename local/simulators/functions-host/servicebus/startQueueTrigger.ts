import { setTimeout as delay } from 'node:timers/promises';
import { ServiceBusClient, type ServiceBusReceivedMessage } from '@azure/service-bus';
import { describeError } from '../describeError.js';
import type { Workers } from '../startWorkers.js';
import { createConcurrencyLimit, type Trigger } from '../trigger.js';
import { isSequence } from './messageData.js';
import { processMessage, type QueueFunction, type QueueTriggerOptions } from './processMessage.js';
import { createSettler, keepLock } from './settler.js';

/** Upper limit for the SDK's stop and close, because both wait for an unreachable broker. */
const stopTimeoutMs = 2_000;

/** Two connections to the same namespace. `createSettler` explains the reason. */
export interface QueueClients {
  receiving: ServiceBusClient;
  settling: ServiceBusClient;
}

/**
 * Receives a queue's messages and runs the function for each message, with at most `maxConcurrentCalls` invocations at a
 * time. If the broker is unreachable, the trigger retries until the broker is back.
 */
export function startQueueTrigger(
  workers: Workers,
  clients: QueueClients,
  queueFunction: QueueFunction,
  options: Omit<QueueTriggerOptions, 'isDraining'>,
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
  const limit = createConcurrencyLimit(settings.maxConcurrentCalls);
  const outage = reportOutage(name, queueName, onEvent);
  let held = 0;
  let isDraining = false;

  const handle = async (message: ServiceBusReceivedMessage) => {
    outage.over();
    // The .NET client throws while it receives such a message. The message stays locked.
    if (isSequence(message)) return onEvent(`${name}: message ${message.messageId} is an AMQP sequence`);
    held += 1;
    const stopRenewal = keepLock(message, settler, {
      forMs: settings.maxAutoLockRenewalMs,
      onLost: (error) =>
        onEvent(
          `${name}: the lock of message ${message.messageId} could not be renewed: ${describeError(error)}`,
        ),
    });
    if (await limit.acquire()) {
      await running.run(name, () =>
        processMessage(workers, queueFunction, settler, message, {
          ...options,
          isDraining: () => isDraining,
        }),
      );
      limit.release();
    } else {
      // The trigger stopped before the message's turn. Other receivers get an abandoned message now instead of after the
      // end of its lock.
      await settler.abandon(message).catch(() => {});
    }
    stopRenewal();
    // The SDK requests one more message whenever this handler returns. After a reconnect the SDK also requests a full set,
    // in addition to the messages in progress. A handler that never returns reduces the requests by one. Otherwise surplus
    // messages would wait here while their locks run out.
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
      isDraining = true;
      limit.close();
      await Promise.race([subscription.close(), delay(stopTimeoutMs, undefined, { ref: false })]);
      // The SDK hands over received messages in timers of its own. If the link closed before these timers, the messages
      // would stay locked.
      await delay(20);
    },
    close: async () => {
      await Promise.race([
        Promise.all([clients.receiving.close(), clients.settling.close()]),
        delay(stopTimeoutMs, undefined, { ref: false }),
      ]);
    },
  };
}

/** Logs one line when the queue becomes unreachable, and one line when the queue is reachable again. */
function reportOutage(functionName: string, queueName: string, onEvent: (line: string) => void) {
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
 * A restarted local broker is back within a second, so short delays and timeouts are enough. The SDK retries receiving
 * forever, regardless of `maxRetries`.
 */
const retryOptions = { maxRetries: 1, retryDelayInMs: 500, maxRetryDelayInMs: 2_000, timeoutInMs: 5_000 };

/**
 * Connects by the Functions convention for a trigger's `connection`. The setting `NAME` holds a connection string, or
 * `NAME__fullyQualifiedNamespace` names a namespace for access with the Azure identity of this machine. `AzureWebJobsNAME`
 * takes precedence over `NAME`.
 *
 * @throws Error naming the missing settings
 */
export async function connect(name: string, env: NodeJS.ProcessEnv = process.env): Promise<ServiceBusClient> {
  for (const setting of [`AzureWebJobs${name}`, name]) {
    const connectionString = env[setting];
    if (connectionString) return new ServiceBusClient(connectionString, { retryOptions });
    const namespace = env[`${setting}__fullyQualifiedNamespace`];
    if (namespace) {
      // A dynamic import, because the module loads slowly and most runs do not need the module.
      const { DefaultAzureCredential } = await import('@azure/identity');
      return new ServiceBusClient(namespace, new DefaultAzureCredential(), { retryOptions });
    }
  }
  throw new Error(
    `the Service Bus connection is missing: set ${name} (a connection string) or ${name}__fullyQualifiedNamespace (for example contoso.servicebus.windows.net)`,
  );
}
