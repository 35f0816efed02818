import { app, type InvocationContext } from '@azure/functions';
import { openedOrNull, theApp } from '../src/app.js';
import { advanceAction } from '../src/ops/bulk/advance.js';
import type { Delivery } from '../src/provisioning/dependencies.js';
import { putOff } from '../src/provisioning/putOff.js';
import { processMessage } from '../src/provisioning/worker.js';
import {
  BadMessage,
  type ProvisioningMessage,
  parseMessage,
  readWakeUpMessage,
  type WakeUpMessage,
} from '../src/queue/messages.js';
import { systemClock as clock } from '../src/shared/time.js';

const { queue } = theApp.registration;

/** Processes the messages of the queue. Returning completes the message, an error abandons the message, and the host dead-letters on request. */
if (queue !== null) {
  app.serviceBusQueue('worker', {
    queueName: queue,
    connection: 'SERVICEBUS_CONNECTION',
    handler: async (body: unknown, context: InvocationContext) => {
      const delivery = deliveryOf(context);
      let message: ProvisioningMessage | WakeUpMessage;
      try {
        message = readWakeUpMessage(body) ?? parseMessage(body);
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
