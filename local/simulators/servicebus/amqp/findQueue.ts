import { BrokerError } from '../engine/BrokerError.js';
import type { Engine } from '../engine/Engine.js';
import type { Queue } from '../engine/Queue.js';

/**
 * @throws BrokerError `entity-not-found`, in the service's words: the SDK tells this error by them (`MessagingEntityNotFound`)
 */
export function findQueue(engine: Engine, name: string): Queue {
  const queue = engine.find(name);
  if (queue) return queue;
  throw new BrokerError(
    'entity-not-found',
    `The messaging entity 'sb://localhost/${name}' could not be found. To know more visit https://aka.ms/sbResourceMgrExceptions.`,
  );
}

export const notSupported = (what: string) =>
  new BrokerError('not-supported', `Not supported by the local broker: ${what}.`);
