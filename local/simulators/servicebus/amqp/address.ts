import { BrokerError } from '../engine/BrokerError.js';
import type { Engine } from '../engine/Engine.js';
import type { Part, Queue } from '../engine/Queue.js';

/** What a link is attached to. */
export type Address =
  | { kind: 'cbs' }
  | { kind: 'queue' | 'management'; queue: string; part: Part }
  | { kind: 'unsupported'; what: string };

const deadLetterQueue = /^(.*)\/\$deadletterqueue$/i;
const management = /^(.*)\/\$management$/i;

/** Reads an address as Service Bus does: `queue`, `queue/$DeadLetterQueue`, either with `/$management`, and `$cbs`. */
export function parseAddress(address: string | undefined): Address {
  const path = address?.replace(/^\/+/, '') ?? '';
  if (path === '') return { kind: 'unsupported', what: 'a link without an address (such as a transaction)' };
  if (path === '$cbs') return { kind: 'cbs' };
  const managed = management.exec(path)?.[1];
  const entity = managed ?? path;
  if (/\/subscriptions\//i.test(entity))
    return { kind: 'unsupported', what: 'a topic with its subscriptions' };
  if (/\/\$transfer/i.test(entity)) return { kind: 'unsupported', what: 'the transfer dead-letter queue' };
  const buried = deadLetterQueue.exec(entity)?.[1];
  return {
    kind: managed === undefined ? 'queue' : 'management',
    queue: buried ?? entity,
    part: buried === undefined ? 'main' : 'dead',
  };
}

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
