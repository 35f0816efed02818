import type { Queue } from '../../../src/queue/queue.js';
import { ProvisioningError } from '../../../src/shared/errors.js';
import type { Broker } from './createBroker.js';
import type { Process, World } from './createWorld.js';
import { type Fate, request } from './request.js';

/** The base64 of a private key's first line. */
const privateKey = Buffer.from('-----BEGIN PRIVATE KEY').toString('base64').slice(0, 28);

/** The queue for one process. */
export function fakeQueue(world: World, process: Process, broker: Broker): Queue {
  const call = <R>(effect: () => R) => {
    const refused = world.now < world.down.queue || world.fails(0.01);
    const error = () => (world.chance(0.5) ? throttled() : unavailable());
    const fate: Fate = refused ? { kind: 'refused', error: error() } : { kind: 'answered' };
    return request(world, process, { fate, effect });
  };
  return {
    async send(message, { messageId, at }) {
      const text = JSON.stringify(message);
      if (text.includes(privateKey)) world.violated(message.uuid, 'a private key in a message');
      const effect = () => broker.put(message, messageId, at);
      // A process can stall after it has made a message, and before it sends the message.
      if (!world.calm && world.chance(0.006)) {
        world.note(message.uuid, process.name, 'stalls before it sends', messageId);
        await world.step(process, world.now + world.int(1_000, 250_000));
      }
      if (world.fails(0.01) && !world.calm) {
        const fate: Fate = { kind: 'unknown', error: unavailable(), effectAfterMs: world.int(0, 10_000) };
        return request(world, process, { fate, effect });
      }
      await call(effect);
      if (world.fails(0.02)) throw unavailable();
    },
    async sendWakeUp(message, { messageId, at }) {
      await call(() => broker.put(message, messageId, at));
      if (world.fails(0.02)) throw unavailable();
    },
    async *deadLetters() {
      const deadLetters = await call(() => [...broker.deadLetters()]);
      for (const { body, sequenceNumber, enqueuedAt } of deadLetters)
        yield { body, sequenceNumber: String(sequenceNumber), reason: '', description: '', enqueuedAt };
    },
    async removeDeadLetters(sequenceNumbers) {
      const locked = await call(() => broker.lockDeadLetters());
      let removed = 0;
      for (const { deadLetter, token } of locked) {
        const isWanted = sequenceNumbers.has(String(deadLetter.sequenceNumber));
        await call(() =>
          (isWanted ? broker.completeDeadLetter : broker.releaseDeadLetter)(deadLetter, token),
        );
        if (isWanted) removed += 1;
      }
      return removed;
    },
    ping: async () => {},
    close: async () => {},
  };
}

function throttled(): ProvisioningError {
  return new ProvisioningError('queue-throttled', 'The credits are used up (fake).', {
    outcomeUnknown: true,
  });
}

function unavailable(): ProvisioningError {
  return new ProvisioningError('queue-unavailable', 'The queue cannot be reached (fake).', {
    outcomeUnknown: true,
  });
}
