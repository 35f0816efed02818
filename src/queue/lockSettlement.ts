import type { ServiceBusReceivedMessage } from '@azure/service-bus';
import { withDeadline } from '../shared/network.js';
import { mapQueueError } from './errors.js';
import { createServiceBusClient, type QueueOptions } from './serviceBusClient.js';

/** Settles deliveries of other receivers over a connection of its own. */
export interface LockSettlement {
  /**
   * Moves a message to the dead-letter queue.
   *
   * @param lockToken the lock token of the delivery, a UUID
   * @throws ProvisioningError `queue-unavailable`, also if the lock is lost; `queue-throttled`
   */
  deadLetter(lockToken: string, reason: string, description: string): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens the settlement by lock token. Service Bus takes the lock token of a delivery over the management link of any connection. The
 * connection is opened with the first call.
 *
 * @throws Error if the connection string cannot be read
 */
export function openLockSettlement({
  connection,
  queue,
  callTimeoutMs = 5_000,
}: QueueOptions): LockSettlement {
  // The SDK alone would repeat a throttled call within the same second, and use up further credits.
  const client = createServiceBusClient(connection, {
    retryOptions: { maxRetries: 0, timeoutInMs: callTimeoutMs },
  });
  const receiver = client.createReceiver(queue, { receiveMode: 'peekLock' });
  return {
    async deadLetter(lockToken, deadLetterReason, deadLetterErrorDescription) {
      try {
        await withDeadline(callTimeoutMs, () =>
          receiver.deadLetterMessage(deliveryOf(lockToken), { deadLetterReason, deadLetterErrorDescription }),
        );
      } catch (error) {
        throw mapQueueError(error);
      }
    },
    close: () => client.close().catch(() => {}),
  };
}

/** A message without a link, which the SDK settles over the management link. The SDK reads only these members. */
function deliveryOf(lockToken: string): ServiceBusReceivedMessage {
  const parts = { lockToken, delivery: {}, body: undefined };
  return parts as unknown as ServiceBusReceivedMessage;
}
