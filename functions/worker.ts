import { app, type InvocationContext } from '@azure/functions';
import { openedOrNull, theApp, withWorkerQueue } from '../src/app.js';
import { advanceAction } from '../src/ops/bulk/advance.js';
import type { Delivery } from '../src/provisioning/dependencies.js';
import { putBack, putOff } from '../src/provisioning/putOff.js';
import { processMessage } from '../src/provisioning/worker.js';
import {
  BadMessage,
  contentOf,
  NewerMessage,
  type ProvisioningMessage,
  parseMessage,
  readWakeUpMessage,
  type WakeUpMessage,
} from '../src/queue/messages.js';
import { systemClock as clock } from '../src/shared/time.js';

const { queue } = theApp.registration;

/**
 * The host hands over the body as bytes. From a text in JSON, the host would copy each field into the metadata of the message: a
 * `lockToken` in the body would hide the lock of the delivery, and the message could not be dead-lettered with its reason. The option
 * is missing in the types of the library.
 */
const asBytes = { dataType: 'binary' };

/**
 * Processes the messages of the queue. An error abandons the message, and the host dead-letters on request. The function settles each
 * message itself: a host that is draining abandons every other message, also after success.
 */
if (queue !== null) {
  app.serviceBusQueue('worker', {
    queueName: queue,
    connection: 'SERVICEBUS_CONNECTION',
    ...asBytes,
    handler: async (body: unknown, context: InvocationContext) => {
      const { delivery, complete } = deliveryOf(context);
      let message: ProvisioningMessage | WakeUpMessage;
      try {
        const content = contentOf(body);
        message = readWakeUpMessage(content) ?? parseMessage(content);
      } catch (error) {
        if (error instanceof NewerMessage) {
          context.warn(`message ${delivery.sequenceNumber} put back: ${error.message}`);
          await putBack({ queue: await theApp.queue(), clock, random: Math.random }, error, delivery);
          return complete();
        }
        if (!(error instanceof BadMessage)) throw error;
        context.warn(`message ${delivery.sequenceNumber} dead-lettered, ${error.reason}: ${error.message}`);
        return delivery.deadLetter(error.reason, error.message);
      }
      const opened = await openedOrNull();
      if (!opened)
        await putOff({ queue: await theApp.queue(), clock, random: Math.random }, message, delivery);
      else if ('uuid' in message) await processMessage(withWorkerQueue(opened), message, delivery);
      else await advanceAction(withWorkerQueue(opened), message);
      await complete();
      await opened?.status.report();
    },
  });
}

/** The delivery of an invocation, and a function that completes the message unless the message was dead-lettered. */
function deliveryOf(context: InvocationContext): { delivery: Delivery; complete: () => Promise<void> } {
  const { lockToken, sequenceNumber, enqueuedTime } = context.triggerMetadata ?? {};
  let isSettled = false;
  const delivery: Delivery = {
    sequenceNumber: String(sequenceNumber),
    // `enqueuedTimeUtc` has no time zone, and Date.parse would read local time.
    enqueuedAt: Date.parse(String(enqueuedTime)),
    async deadLetter(reason, description) {
      await theApp.settlement().deadLetter(String(lockToken), reason, description);
      isSettled = true;
    },
    log: (line) => context.log(line),
  };
  async function complete(): Promise<void> {
    if (isSettled) return;
    try {
      await theApp.settlement().complete(String(lockToken));
    } catch (error) {
      // The host completes the message after the return, unless the host is draining.
      context.warn(`message ${sequenceNumber}: ${(error as Error).message}`);
    }
  }
  return { delivery, complete };
}
