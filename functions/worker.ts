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

/** Works off the queue. Returning completes a message, throwing abandons it; a dead letter is settled through the host. */
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
      // Not `enqueuedTimeUtc`: that comes without its zone, and would be read as local time.
      enqueuedAt: Date.parse(String(enqueuedTime)),
      deadLetter,
      log: (line) => context.log(line),
    });
    await theApp.status.report();
  },
});
