import type { ServiceBusReceivedMessage } from '@azure/service-bus';
import type { App, RegisteredFunction } from '../createApp.js';
import type { HostSettings } from '../hostSettings.js';
import { resolveSettings } from '../hostSettings.js';
import { describeError, invoke } from '../invoke.js';
import type { RunningInvocations } from '../trigger.js';
import { messageBody, triggerMetadata } from './messageData.js';
import type { MessageUnderProcessing, Settler, UnderProcessing } from './settler.js';

export interface QueueFunction {
  registered: RegisteredFunction;
  name: string;
  queueName: string;
  /** Name of the setting for the connection. */
  connection: string;
  /** Undefined if host.json decides. */
  autoCompleteMessages: boolean | undefined;
  binary: boolean;
}

/**
 * Reads a Service Bus trigger.
 *
 * @throws Error naming the function, if the trigger uses an unsupported feature
 */
export function readQueueFunction(registered: RegisteredFunction): QueueFunction {
  const { name, bindings } = registered.metadata;
  const trigger =
    Object.values(bindings).find(({ type }) => type.toLowerCase() === 'servicebustrigger') ?? {};
  const { queueName, connection, isSessionsEnabled, cardinality, sdkBinding, dataType } = trigger as Record<
    string,
    unknown
  >;
  const invalid = (what: string) => new Error(`function ${name}: ${what}`);
  if (typeof queueName !== 'string' || queueName === '')
    throw invalid('the local host supports only queues, not topics');
  if (isSessionsEnabled === true) throw invalid('the local host does not support sessions');
  if (cardinality === 'many') throw invalid('the local host does not support batches (cardinality "many")');
  if (sdkBinding === true) throw invalid('the local host does not support sdkBinding');
  const { autoCompleteMessages } = trigger as Record<string, unknown>;
  try {
    return {
      registered,
      name,
      queueName: resolveSettings(queueName),
      connection: typeof connection === 'string' && connection !== '' ? connection : 'ServiceBus',
      autoCompleteMessages: typeof autoCompleteMessages === 'boolean' ? autoCompleteMessages : undefined,
      binary: String(dataType).toLowerCase() === 'binary',
    };
  } catch (error) {
    throw invalid((error as Error).message);
  }
}

export interface QueueTriggerOptions {
  settings: HostSettings['serviceBus'];
  running: RunningInvocations;
  underProcessing: UnderProcessing;
  onEvent(line: string): void;
}

/**
 * Runs the function for one message and settles the message: completed after success, abandoned at once after an error. If
 * the function has settled the message itself, nothing more happens. Never throws.
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
  const log = (outcome: string) =>
    onEvent(`${name}: ${delivery} ${outcome} in ${Math.round(performance.now() - startedAt)} ms`);

  underProcessing.set(lockToken, held);
  let failure: { error: unknown } | undefined;
  try {
    const data = messageBody(message, binary);
    await invoke(app, registered, {
      data,
      triggerMetadata: triggerMetadata(message, data),
      // The sender of the message is the parent in the trace, as in the Service Bus library for .NET.
      caller: message.applicationProperties ?? {},
    });
  } catch (error) {
    failure = { error };
  } finally {
    underProcessing.delete(lockToken);
  }

  const reason = failure ? ` (${describeError(failure.error)})` : '';
  if (held.settled) return log(`${held.settled}${reason}`);
  try {
    if (failure) {
      await settler.abandon(message);
      log(`abandoned${reason}`);
    } else if (autoCompleteMessages ?? settings.autoCompleteMessages) {
      await settler.complete(message);
      log('completed');
    } else {
      log('not settled');
    }
  } catch (error) {
    log(`${failure ? `failed${reason}` : 'done'}, and could not be settled (${describeError(error)})`);
  }
}
