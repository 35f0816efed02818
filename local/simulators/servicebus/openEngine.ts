import { deadLetterPayload } from './amqp/withProperties.js';
import type { Clock } from './engine/Clock.js';
import { Engine } from './engine/Engine.js';
import type { QueueOptions } from './engine/QueueProperties.js';
import type { MessageStore } from './store/MessageStore.js';

/**
 * An engine with what its store has kept, and with these queues: created, or changed if they are there already.
 * @throws Error when a queue's properties are not valid, or the store refuses
 */
export async function openEngine(
  store: MessageStore,
  clock: Clock,
  queues: QueueOptions[],
  log: (line: string) => void,
): Promise<Engine> {
  const onStore = (refused?: Error) => log(storeLine(refused));
  const engine = new Engine({ clock, store, deadLetterPayload, onStore });
  try {
    for (const queue of queues) {
      const existing = engine.find(queue.name);
      if (existing) engine.update(existing, queue);
      else engine.create(queue);
    }
    await engine.committed();
    return engine;
  } catch (error) {
    await engine.close();
    throw error;
  }
}

const storeLine = (refused: Error | undefined) =>
  refused
    ? `broker: cannot write to disk (${refused.message}); sends and settlements are refused until it can`
    : 'broker: can write to disk again';
