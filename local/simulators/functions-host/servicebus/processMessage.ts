import type { ServiceBusReceivedMessage } from '@azure/service-bus';
import type { App } from '../createApp.js';
import { describeError } from '../describeError.js';
import { invoke } from '../invoke.js';
import type { Settler } from './createSettler.js';
import { messageBody } from './messageBody.js';
import type { QueueFunction } from './readQueueFunction.js';
import type { QueueTriggerOptions } from './startQueueTrigger.js';
import { triggerMetadata } from './triggerMetadata.js';
import type { MessageUnderProcessing } from './underProcessing.js';

/**
 * Runs the function for one message and settles it: completed when it returns, abandoned at once when it throws, nothing more when
 * the function had it settled. Never throws.
 */
export async function processMessage(
  app: App,
  { registered, name, autoCompleteMessages, binary }: QueueFunction,
  settler: Settler,
  message: ServiceBusReceivedMessage,
  { settings, underProcessing, onEvent }: QueueTriggerOptions,
): Promise<void> {
  const startedAt = performance.now();
  const lockToken = message.lockToken ?? '';
  const held: MessageUnderProcessing = { message, settler };
  const delivery = `message ${message.messageId} (delivery ${(message.deliveryCount ?? 0) + 1})`;
  const say = (outcome: string) =>
    onEvent(`${name}: ${delivery} ${outcome} in ${Math.round(performance.now() - startedAt)} ms`);

  underProcessing.set(lockToken, held);
  let failure: { error: unknown } | undefined;
  try {
    const data = messageBody(message, binary);
    await invoke(app, registered, {
      data,
      triggerMetadata: triggerMetadata(message, data),
      // As the Service Bus library for .NET does: what sent the message is the parent.
      caller: message.applicationProperties ?? {},
    });
  } catch (error) {
    failure = { error };
  } finally {
    underProcessing.delete(lockToken);
  }

  const because = failure ? ` (${describeError(failure.error)})` : '';
  if (held.settled) return say(`${held.settled}${because}`);
  try {
    if (failure) {
      await settler.abandon(message);
      say(`abandoned${because}`);
    } else if (autoCompleteMessages ?? settings.autoCompleteMessages) {
      await settler.complete(message);
      say('completed');
    } else {
      say('left as it is');
    }
  } catch (error) {
    say(`${failure ? `failed${because}` : 'done'}, and could not be settled (${describeError(error)})`);
  }
}
