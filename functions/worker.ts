import { app, type InvocationContext } from '@azure/functions';
import { openedOrNull, theApp } from '../src/app.js';
import { advanceAction } from '../src/ops/bulk/advance.js';
import type { Delivery } from '../src/provisioning/dependencies.js';
import { putOff } from '../src/provisioning/putOff.js';
import { processMessage } from '../src/provisioning/worker.js';
import {
  BadMessage,
  contentOf,
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

/** Processes the messages of the queue. Returning completes the message, an error abandons the message, and the host dead-letters on request. */
if (queue !== null) {
  app.serviceBusQueue('worker', {
    queueName: queue,
    connection: 'SERVICEBUS_CONNECTION',
    ...asBytes,
    handler: async (body: unknown, context: InvocationContext) => {
      const delivery = deliveryOf(context);
      let message: ProvisioningMessage | WakeUpMessage;
      try {
        const content = contentOf(body);
        message = readWakeUpMessage(content) ?? parseMessage(content);
      } catch (error) {
        if (!(error instanceof BadMessage)) throw error;
        context.warn(`message ${delivery.sequenceNumber} dead-lettered, ${error.reason}: ${error.message}`);
        return delivery.deadLetter(error.reason, error.message);
      }
      const opened = openedOrNull();
      if (!opened) return putOff({ queue: theApp.queue(), clock, random: Math.random }, message, delivery);
      if (!('uuid' in message)) return void (await advanceAction(opened, message));
      await processMessage(opened, message, delivery);
      await opened.status.report();
    },
  });
}

function deliveryOf(context: InvocationContext): Delivery {
  const { lockToken, sequenceNumber, enqueuedTime } = context.triggerMetadata ?? {};
  return {
    sequenceNumber: String(sequenceNumber),
    // `enqueuedTimeUtc` has no time zone, and Date.parse would read local time.
    enqueuedAt: Date.parse(String(enqueuedTime)),
    deadLetter: (reason, description) =>
      theApp.settlement().deadLetter(String(lockToken), reason, description),
    log: (line) => context.log(line),
  };
}
