import type { ServiceBusReceivedMessage } from '@azure/service-bus';
import { describeError } from '../describeError.js';
import type { HostFaults } from '../hostFaults.js';
import type { HostSettings } from '../hostSettings.js';
import { resolveSettings } from '../hostSettings.js';
import type { Workers } from '../startWorkers.js';
import type { RunningInvocations } from '../trigger.js';
import type { FunctionMetadata } from '../worker/core.js';
import { messageBody, triggerMetadata } from './messageData.js';
import type { MessageUnderProcessing, Settler, UnderProcessing } from './settler.js';

export interface QueueFunction {
  metadata: FunctionMetadata;
  name: string;
  queueName: string;
  /** Name of the setting for the connection. */
  connection: string;
  /** The trigger's own option. host.json has no effect on Node functions. */
  autoCompleteMessages: boolean;
  binary: boolean;
}

/**
 * Reads a Service Bus trigger.
 *
 * @throws Error if the trigger uses an unsupported feature, or if a setting is missing
 */
export function readQueueFunction(metadata: FunctionMetadata): QueueFunction {
  const { name, bindings } = metadata;
  const trigger =
    Object.values(bindings).find(({ type }) => type.toLowerCase() === 'servicebustrigger') ?? {};
  const { queueName, connection, isSessionsEnabled, cardinality, sdkBinding, dataType } = trigger as Record<
    string,
    unknown
  >;
  if (typeof queueName !== 'string' || queueName === '')
    throw new Error('the local host supports only queues, not topics');
  if (isSessionsEnabled === true) throw new Error('the local host does not support sessions');
  if (cardinality === 'many') throw new Error('the local host does not support batches (cardinality "many")');
  if (sdkBinding === true) throw new Error('the local host does not support sdkBinding');
  const { autoCompleteMessages } = trigger as Record<string, unknown>;
  return {
    metadata,
    name,
    queueName: resolveSettings(queueName),
    connection: typeof connection === 'string' && connection !== '' ? connection : 'ServiceBus',
    autoCompleteMessages: autoCompleteMessages !== false,
    binary: String(dataType).toLowerCase() === 'binary',
  };
}

export interface QueueTriggerOptions {
  settings: HostSettings['serviceBus'];
  running: RunningInvocations;
  underProcessing: UnderProcessing;
  faults: HostFaults;
  onEvent(line: string): void;
  /** True during a drain. */
  isDraining(): boolean;
}

/**
 * Runs the function for one message and settles the message: completed after success, abandoned at once after an error. If
 * the function has settled the message itself, nothing more happens. During a drain, the real host abandons a message also
 * after success. Never throws.
 */
export async function processMessage(
  workers: Workers,
  { metadata, name, autoCompleteMessages, binary }: QueueFunction,
  settler: Settler,
  message: ServiceBusReceivedMessage,
  { underProcessing, faults, isDraining, onEvent }: QueueTriggerOptions,
): Promise<void> {
  const startedAt = performance.now();
  const lockToken = message.lockToken ?? '';
  const held: MessageUnderProcessing = { message, settler };
  const delivery = `message ${message.messageId} (delivery ${(message.deliveryCount ?? 0) + 1})`;
  const log = (outcome: string) =>
    onEvent(`${name}: ${delivery} ${outcome} in ${Math.round(performance.now() - startedAt)} ms`);

  if (faults.uncalledMessages > 0) {
    faults.uncalledMessages -= 1;
    await settler.complete(message);
    return log('completed without a call');
  }
  underProcessing.set(lockToken, held);
  let failure: { error: unknown } | undefined;
  try {
    const data = messageBody(message, binary);
    await workers.invoke(metadata, {
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
    if (failure || (autoCompleteMessages && isDraining())) {
      await settler.abandon(message);
      log(`abandoned${failure ? reason : ' by the drain'}`);
    } else if (autoCompleteMessages) {
      await settler.complete(message);
      log('completed');
    } else {
      log('not settled');
    }
  } catch (error) {
    log(`${failure ? `failed${reason}` : 'done'}, and could not be settled (${describeError(error)})`);
  }
}
