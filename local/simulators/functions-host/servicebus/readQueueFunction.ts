import type { RegisteredFunction } from '../createApp.js';
import { resolveSettings } from '../resolveSettings.js';

export interface QueueFunction {
  registered: RegisteredFunction;
  name: string;
  queueName: string;
  /** Name of the setting. */
  connection: string;
  /** Undefined: as host.json says. */
  autoCompleteMessages: boolean | undefined;
  binary: boolean;
}

/** @throws Error naming the function, when it asks for something that is not done here */
export function readQueueFunction(registered: RegisteredFunction): QueueFunction {
  const { name, bindings } = registered.metadata;
  const trigger =
    Object.values(bindings).find(({ type }) => type.toLowerCase() === 'servicebustrigger') ?? {};
  const { queueName, connection, isSessionsEnabled, cardinality, sdkBinding, dataType } = trigger as Record<
    string,
    unknown
  >;
  const refuse = (what: string) => new Error(`function ${name}: ${what}`);
  if (typeof queueName !== 'string' || queueName === '')
    throw refuse('only queues are served here, not topics');
  if (isSessionsEnabled === true) throw refuse('sessions are not served here');
  if (cardinality === 'many') throw refuse('batches (cardinality "many") are not served here');
  if (sdkBinding === true) throw refuse('sdkBinding is not served here');
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
    throw refuse((error as Error).message);
  }
}
