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

/**
 * Processes the messages of the queue. An error abandons the message, and the host completes and dead-letters on request. The function
 * settles each message itself: a host that is draining abandons every other message, also after success.
 */
app.serviceBusQueue('worker', {
  queueName: theApp.config.queue.queue,
  connection: 'SERVICEBUS_CONNECTION',
  handler: async (body: unknown, context: InvocationContext) => {
    const { lockToken, sequenceNumber, enqueuedTime } = context.triggerMetadata ?? {};
    let isSettled = false;
    const deadLetter = async (reason: string, description: string) => {
      await theApp.settlement().deadLetter(String(lockToken), reason, description);
      isSettled = true;
    };
    const complete = async () => {
      if (isSettled) return;
      try {
        await theApp.settlement().complete(String(lockToken));
      } catch (error) {
        // The host completes the message after the return, unless the host is draining.
        context.warn(`message ${sequenceNumber}: ${(error as Error).message}`);
      }
    };

    const wakeUpMessage = readWakeUpMessage(body);
    if (wakeUpMessage) {
      await advanceAction(theApp, wakeUpMessage);
      return complete();
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
    await complete();
    await theApp.status.report();
  },
});
