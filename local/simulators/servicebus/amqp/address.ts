import { entityNotFound } from '../engine/BrokerError.js';
import type { Engine } from '../engine/Engine.js';
import type { SubQueueName } from '../engine/Message.js';
import type { Queue } from '../engine/Queue.js';
import { coordinatorAddress } from './rhea/socket.js';

/** The address of a queue or dead-letter queue, or of the management node of either. */
export interface EntityAddress {
  kind: 'queue' | 'management';
  queue: string;
  part: SubQueueName;
}

/** The node to which a client attaches a link. */
export type Address = { kind: 'cbs' } | EntityAddress | { kind: 'unsupported'; feature: string };

const deadLetterQueue = /^(.*)\/\$deadletterqueue$/i;
const management = /^(.*)\/\$management$/i;

/** Reads an address as Service Bus does: `queue`, `queue/$DeadLetterQueue`, either with `/$management`, and `$cbs`. */
export function parseAddress(address: string | undefined): Address {
  const path = address?.replace(/^\/+/, '') ?? '';
  if (path === '') return { kind: 'unsupported', feature: 'a link without an address' };
  if (path === coordinatorAddress) return { kind: 'unsupported', feature: 'transactions' };
  if (path === '$cbs') return { kind: 'cbs' };
  const managed = management.exec(path)?.[1];
  const entity = managed ?? path;
  if (/\/subscriptions\//i.test(entity))
    return { kind: 'unsupported', feature: 'a topic with its subscriptions' };
  if (/\/\$transfer/i.test(entity)) return { kind: 'unsupported', feature: 'the transfer dead-letter queue' };
  const queueOfDeadLetters = deadLetterQueue.exec(entity)?.[1];
  return {
    kind: managed === undefined ? 'queue' : 'management',
    queue: queueOfDeadLetters ?? entity,
    part: queueOfDeadLetters === undefined ? 'main' : 'dead',
  };
}

/**
 * Finds a queue by name.
 * @throws BrokerError `entity-not-found`
 */
export function findQueue(engine: Engine, name: string): Queue {
  const queue = engine.find(name);
  if (queue) return queue;
  throw entityNotFound(name);
}
