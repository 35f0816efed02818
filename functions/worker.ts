import { app, type InvocationContext } from '@azure/functions';
import { theApp } from '../src/app.js';
import { advanceAction } from '../src/ops/bulk/advance.js';
import { processMessage } from '../src/provisioning/worker.js';
import {
  BadMessage,
  type ProvisioningMessage,
  parseMessage,
  readWakeUpMessage,
} from '../src/queue/messages.js';

/** Processes the messages of the queue. Returning completes the message, an error abandons the message, and the host dead-letters on request. */
app.serviceBusQueue('worker', {
  queueName: theApp.config.queue.queue,
  connection: 'SERVICEBUS_CONNECTION',
  handler: async (body: unknown, context: InvocationContext) => {
    const { lockToken, sequenceNumber, enqueuedTime } = context.triggerMetadata ?? {};
    const deadLetter = (reason: string, description: string) =>
      theApp.settlement().deadLetter(String(lockToken), reason, description);

    const wakeUpMessage = readWakeUpMessage(body);
    if (wakeUpMessage) {
      await advanceAction(theApp, wakeUpMessage);
      return;
    }
    let message: ProvisioningMessage;
    try {
      message = parseMessage(body);
    } catch (error) {
      if (!(error instanceof BadMessage)) throw error;
      context.warn(`message ${sequenceNumber} dead-lettered, ${error.reason}: ${error.message}`);
      return deadLetter(error.reason, error.message);
    }
    await processMessage(theApp, message, {
      sequenceNumber: String(sequenceNumber),
      // `enqueuedTimeUtc` has no time zone, and Date.parse would read local time.
      enqueuedAt: Date.parse(String(enqueuedTime)),
      deadLetter,
      log: (line) => context.log(line),
    });
    await theApp.status.report();
  },
});
