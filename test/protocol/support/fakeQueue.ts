import type { Queue } from '../../../src/edges/queue.js';
import { ProvisioningError } from '../../../src/ProvisioningError.js';
import type { Broker } from './createBroker.js';
import type { Process, World } from './createWorld.js';
import { type Fate, request } from './request.js';

/** The base64 of a private key's first line. */
const privateKey = Buffer.from('-----BEGIN PRIVATE KEY').toString('base64').slice(0, 28);

/** The queue, as one process reaches it. */
export function fakeQueue(world: World, process: Process, broker: Broker): Queue {
  const call = <R>(effect: () => R) => {
    const refused = world.now < world.down.queue || world.fails(0.01);
    const fate: Fate = refused ? { kind: 'refused', error: unavailable() } : { kind: 'answered' };
    return request(world, process, { fate, effect });
  };
  return {
    async send(message, { messageId, at }) {
      const text = JSON.stringify(message);
      if (text.includes(privateKey)) world.violated(message.uuid, 'a private key in a message');
      const effect = () => broker.put(message, messageId, at);
      if (world.fails(0.01) && !world.calm) {
        const fate: Fate = { kind: 'unknown', error: unavailable(), effectAfterMs: world.int(0, 10_000) };
        return request(world, process, { fate, effect });
      }
      await call(effect);
      if (world.fails(0.02)) throw unavailable();
    },
    peekDeadLetters: (most) =>
      call(() =>
        broker
          .letters()
          .slice(0, most)
          .map(({ body, messageId }) => ({ body, messageId })),
      ),
    async receiveDeadLetters(most) {
      const locked = await call(() => broker.lockLetters(most));
      return locked.map(({ letter, token }) => ({
        body: letter.body,
        messageId: letter.messageId,
        sequenceNumber: String(letter.sequenceNumber),
        complete: () => call(() => broker.completeLetter(letter, token)),
        release: () => call(() => broker.releaseLetter(letter, token)),
      }));
    },
    ping: async () => {},
    close: async () => {},
  };
}

function unavailable(): ProvisioningError {
  return new ProvisioningError('queue-unavailable', 'The queue cannot be reached (fake).', {
    retry: 'later',
    outcomeUnknown: true,
  });
}
